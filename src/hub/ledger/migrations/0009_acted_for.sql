-- Whom an act was for, as it was known when it was asked for. `item` is its number among many, and missing where it was the only one.
CREATE TABLE acted_for (
    context TEXT NOT NULL,
    tenant TEXT NOT NULL,
    at BIGINT NOT NULL,
    remediation TEXT NOT NULL,
    item BIGINT,
    source TEXT NOT NULL,
    instance TEXT NOT NULL,
    verb TEXT NOT NULL,
    actor TEXT NOT NULL
);

CREATE INDEX acted_for_tenant ON acted_for (context, tenant, at, remediation, source, instance);
