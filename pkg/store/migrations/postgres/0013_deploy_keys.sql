-- scope is what a key may do (api.Scope). A key of a project has project_id and
-- ends at expires_at. project_id is no foreign key: the row outlives the project,
-- revoked, so that the account's list still tells when it was used.
ALTER TABLE api_keys ADD COLUMN scope TEXT NOT NULL DEFAULT 'account';
ALTER TABLE api_keys ADD COLUMN project_id BIGINT;
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
CREATE INDEX api_keys_project ON api_keys (project_id);
