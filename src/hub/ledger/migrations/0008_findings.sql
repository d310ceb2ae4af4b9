-- When a finding of drift was seen first (milliseconds since 1970), for as long as it is there: engines seldom keep that. `address` is where the source was asked, as in `trend_points`.
CREATE TABLE drift_findings (
    context TEXT NOT NULL,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    finding TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    PRIMARY KEY (context, source, address, finding)
);
