-- What the board of a source came to in one minute of the clock (milliseconds since 1970 by 60,000), as it was seen first, whichever process saw it; a minute in which nobody looked has no row. `address` is where it was asked: what another server told under the same name is no past of this one. `by_rule` and `cohorts` are JSON, from a rule's name and a cohort's id to how many; `whole` is 0 where cohorts were left out.
CREATE TABLE trend_points (
    context TEXT NOT NULL,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    minute BIGINT NOT NULL,
    at BIGINT NOT NULL,
    open BIGINT NOT NULL,
    stuck BIGINT NOT NULL,
    by_rule TEXT NOT NULL,
    cohorts TEXT NOT NULL,
    whole BIGINT NOT NULL,
    PRIMARY KEY (context, source, address, minute)
);

CREATE INDEX trend_points_by_minute ON trend_points (minute);
