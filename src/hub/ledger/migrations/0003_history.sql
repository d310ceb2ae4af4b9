-- What a list of remediations is made of, without their plans: whether one has changed since it was read.
CREATE INDEX remediations_listed ON remediations (context, requested_at, id, state, changed_at);
CREATE INDEX remediations_open ON remediations (context)
    WHERE state IN ('awaiting_approval', 'approved', 'running', 'held', 'verifying');
