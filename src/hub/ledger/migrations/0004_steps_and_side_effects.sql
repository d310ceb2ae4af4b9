-- How many steps of its runbook an item has behind it, each verified, and the version that the next one is to find; without one, that of the plan.
ALTER TABLE items ADD COLUMN step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN expects TEXT;

-- What a remediation switched off, until somebody arms it again. `how` is why, in the words of whoever did, or the remediation that did.
CREATE TABLE side_effects (
    id TEXT NOT NULL PRIMARY KEY,
    context TEXT NOT NULL,
    remediation TEXT NOT NULL REFERENCES remediations (id),
    what TEXT NOT NULL,
    way_back TEXT NOT NULL,
    since BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT,
    how TEXT
);

CREATE INDEX side_effects_in_force ON side_effects (context, since) WHERE ended_at IS NULL;
