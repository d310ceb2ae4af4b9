-- Since when an automation is counted as it is defined now, and when it was refused last.
CREATE TABLE automations (
    context TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    since BIGINT NOT NULL,
    refused_at BIGINT,
    refusal TEXT,
    PRIMARY KEY (context, name, definition)
);

-- What an automation would have done to an instance in one version, once, whichever process saw it; `before` is how it was then. `asked` is 1 once a request was tried: then it has a remediation, or was refused.
CREATE TABLE shadow_acts (
    context TEXT NOT NULL,
    automation TEXT NOT NULL,
    definition TEXT NOT NULL,
    source TEXT NOT NULL,
    instance TEXT NOT NULL,
    version TEXT NOT NULL,
    verb TEXT NOT NULL,
    before TEXT NOT NULL,
    at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    remediation TEXT,
    refused TEXT,
    score TEXT NOT NULL,
    words TEXT NOT NULL,
    scored_at BIGINT,
    PRIMARY KEY (context, automation, definition, source, instance, version)
);

CREATE INDEX shadow_acts_open ON shadow_acts (context, until) WHERE score = 'open';

CREATE INDEX shadow_acts_by_time ON shadow_acts (context, automation, taken_at);

-- What was done here to an instance.
CREATE INDEX acts_on_an_instance ON acts (source, instance);

CREATE INDEX items_of_an_instance ON items (source, instance) WHERE act IS NOT NULL;
