-- What people have decided of something that drifts, one decision a finding: 'ignore', to leave it alone until `until` (milliseconds since 1970), or 'adopt', that what is there is wanted, as long as it differs as `seen` (a digest) says. What is taken back is taken away; the audit has both.
CREATE TABLE drift_decisions (
    context TEXT NOT NULL,
    source TEXT NOT NULL,
    finding TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    until BIGINT,
    seen TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (context, source, finding)
);

INSERT INTO drift_decisions (context, source, finding, decision, decided_by, decided_at, until, reason)
SELECT context, source, finding, 'ignore', ignored_by, ignored_at, until, reason FROM drift_ignores;

DROP TABLE drift_ignores;
