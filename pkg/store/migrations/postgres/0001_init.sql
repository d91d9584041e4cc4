-- Times are microseconds since 1970 in UTC. Texts are compared byte by byte, as in
-- SQLite, whatever the language of the database.

CREATE TABLE accounts (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- sha256 is the hex digest of the whole key; hint is its first random characters,
-- so that a person can tell keys apart.
CREATE TABLE api_keys (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    label      TEXT   NOT NULL,
    hint       TEXT   NOT NULL,
    sha256     TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used  BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- The id makes a Unix user id, which must never come back for another project: an
-- identity has gaps and never goes back.
CREATE TABLE projects (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX projects_account ON projects (account_id);

-- manifest is zstd-compressed JSON.
CREATE TABLE trees (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    digest     TEXT COLLATE "C" NOT NULL,
    manifest   BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, digest)
);

CREATE TABLE layers (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    key        TEXT COLLATE "C" NOT NULL,
    sha256     TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, key)
);

CREATE TABLE releases (
    project_id  BIGINT  NOT NULL REFERENCES projects (id),
    number      INTEGER NOT NULL,
    tree        TEXT COLLATE "C" NOT NULL,
    entry       TEXT    NOT NULL,
    layer       TEXT COLLATE "C" NOT NULL,
    env_version INTEGER NOT NULL,
    ir          BYTEA   NOT NULL,
    jobs        BYTEA   NOT NULL,
    state       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    created_by  TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    PRIMARY KEY (project_id, number),
    CONSTRAINT releases_state CHECK (state IN ('pending', 'live', 'failed', 'superseded'))
);
CREATE UNIQUE INDEX releases_live ON releases (project_id) WHERE state = 'live';

-- The audit outlives what it speaks of, so it has no foreign keys.
CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    key_id     BIGINT NOT NULL,
    action     TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    request_id TEXT   NOT NULL
);
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
