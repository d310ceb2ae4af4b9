-- What was tried, refused, sent, answered and came of it. An entry is never changed or taken away.
CREATE TABLE audit (
    sequence BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    trusted TEXT,
    context TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    remediation TEXT,
    plan_hash TEXT,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX audit_remediation ON audit (remediation) WHERE remediation IS NOT NULL;

-- One act on one instance. A row is there before the request is sent; without an end it is looked at again.
CREATE TABLE acts (
    id TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    instance TEXT NOT NULL,
    state TEXT NOT NULL,
    sending TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    answer TEXT,
    answered_at BIGINT,
    outcome TEXT,
    ended_at BIGINT
);

CREATE INDEX acts_without_an_end ON acts (begun_at) WHERE ended_at IS NULL;
