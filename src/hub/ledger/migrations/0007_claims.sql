-- Who has had a cohort in hand, has seen it or has put it aside. It holds until `until`, unless `ended_at` says that it ended before; then `how` is one of released, replaced, outgrown and expired, and `ended_by` who did it, where somebody did. One that ended by its time alone is marked as expired once there is something else to write. Those that were taken over from an older version have no context, and hold in each.
CREATE TABLE claims (
    id TEXT NOT NULL PRIMARY KEY,
    context TEXT NOT NULL,
    cohort TEXT NOT NULL,
    kind TEXT NOT NULL,
    claimed_by TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    note TEXT,
    count BIGINT NOT NULL,
    tenants BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT,
    how TEXT
);

-- Of one cohort one claim at most holds.
CREATE UNIQUE INDEX claims_without_an_end ON claims (context, cohort) WHERE ended_at IS NULL;
