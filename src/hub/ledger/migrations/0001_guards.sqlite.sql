-- Refuses what would change the past. Each kind of database says this in its own words.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only appended to');
END;

CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only appended to');
END;

CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
WHEN NEW.sequence <> COALESCE((SELECT MAX(sequence) FROM audit), 0) + 1
BEGIN
    SELECT RAISE(ABORT, 'the audit is only appended to');
END;
