-- A release can be interrupted: something of it runs that ought not to, and going
-- back is tried again until it has worked.
ALTER TABLE releases DROP CONSTRAINT releases_state;
ALTER TABLE releases ADD CONSTRAINT releases_state
    CHECK (state IN ('pending', 'interrupted', 'live', 'failed', 'superseded'));
