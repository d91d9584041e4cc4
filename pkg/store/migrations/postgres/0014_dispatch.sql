-- A payload that is too large for a message is a file of the platform's: its SHA-256 in
-- hex and its size, empty and 0 for one that travels with its message.
ALTER TABLE tasks ADD COLUMN payload_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN payload_bytes BIGINT NOT NULL DEFAULT 0;
-- The broker has not confirmed it: whoever sends it again with its key has it sent.
ALTER TABLE tasks ADD COLUMN unsent BIGINT NOT NULL DEFAULT 0;
CREATE INDEX tasks_unsent ON tasks (enqueued_at) WHERE unsent = 1;

-- What was written to Vault of how the workers of a project reach the broker: a digest
-- of it, and Vault's number of the version.
CREATE TABLE broker_logins (
    project_id BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id),
    digest     TEXT    NOT NULL,
    version    BIGINT NOT NULL
);
