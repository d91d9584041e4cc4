-- Times are microseconds since 1970 in UTC.

CREATE TABLE accounts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    email      TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);

-- sha256 is the hex digest of the whole key; hint is its first random characters,
-- so that a person can tell keys apart.
CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    label      TEXT    NOT NULL,
    hint       TEXT    NOT NULL,
    sha256     TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used  INTEGER,
    revoked_at INTEGER
);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- AUTOINCREMENT: the id makes a Unix user id, which must never come back for
-- another project.
CREATE TABLE projects (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
CREATE INDEX projects_account ON projects (account_id);

-- manifest is zstd-compressed JSON.
CREATE TABLE trees (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    digest     TEXT    NOT NULL,
    manifest   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, digest)
);

CREATE TABLE layers (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    key        TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, key)
);

CREATE TABLE releases (
    project_id  INTEGER NOT NULL REFERENCES projects (id),
    number      INTEGER NOT NULL,
    tree        TEXT    NOT NULL,
    entry       TEXT    NOT NULL,
    layer       TEXT    NOT NULL,
    env_version INTEGER NOT NULL,
    ir          BLOB    NOT NULL,
    jobs        BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'live', 'failed', 'superseded')),
    reason      TEXT    NOT NULL,
    created_by  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (project_id, number)
);
CREATE UNIQUE INDEX releases_live ON releases (project_id) WHERE state = 'live';

-- The audit outlives what it speaks of, so it has no foreign keys.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    key_id     INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    request_id TEXT    NOT NULL
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
