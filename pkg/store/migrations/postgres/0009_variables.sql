-- What is known of the versions of a project's variables; their values are in Vault
-- alone. mark is a random name that stands in that very version in Vault: a version
-- without its mark was written by somebody else. names is JSON.
CREATE TABLE variables (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    version    BIGINT NOT NULL,
    mark       TEXT   NOT NULL,
    names      BYTEA  NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, version)
);

-- The version that the next push takes: that of the live release, or a newer one that
-- was set without a rollout. 0 is none.
ALTER TABLE projects ADD COLUMN variables BIGINT NOT NULL DEFAULT 0;
