-- What drifts and is to be left alone until `until`, by whom and why. What is not ignored any more is taken away; the audit has both.
CREATE TABLE drift_ignores (
    context TEXT NOT NULL,
    source TEXT NOT NULL,
    finding TEXT NOT NULL,
    ignored_by TEXT NOT NULL,
    ignored_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (context, source, finding)
);

-- What an automation asked for on one target, the newest first.
CREATE INDEX items_by_target ON items (source, instance);
