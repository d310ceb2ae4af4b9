-- A plan of many, so that another process can ask for it by its hash.
CREATE TABLE plans (
    context TEXT NOT NULL,
    hash TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    plan TEXT NOT NULL,
    PRIMARY KEY (context, hash)
);

-- A plan of many that somebody asked for. `plan` is what was decided of then; `approval` who has to agree, and who has.
CREATE TABLE remediations (
    id TEXT NOT NULL PRIMARY KEY,
    context TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    plan TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket TEXT,
    takes_back TEXT,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    approval TEXT NOT NULL,
    wave BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    forgiven BIGINT NOT NULL,
    started_at BIGINT,
    changed_at BIGINT NOT NULL
);

CREATE INDEX remediations_by_time ON remediations (context, requested_at);

-- One target of a remediation. `act` is there before the request is sent; `before` is how the target was then.
CREATE TABLE items (
    remediation TEXT NOT NULL REFERENCES remediations (id),
    number BIGINT NOT NULL,
    source TEXT NOT NULL,
    instance TEXT NOT NULL,
    version TEXT NOT NULL,
    wave BIGINT NOT NULL,
    state TEXT NOT NULL,
    ended BIGINT NOT NULL,
    words TEXT NOT NULL,
    at BIGINT,
    act TEXT,
    before TEXT,
    began TEXT,
    fingerprint TEXT,
    answered BIGINT NOT NULL,
    PRIMARY KEY (remediation, number)
);

CREATE INDEX items_without_an_end ON items (remediation) WHERE act IS NOT NULL AND ended = 0;
