-- A release can be interrupted: something of it runs that ought not to, and going
-- back is tried again until it has worked. SQLite cannot change a CHECK, so the
-- table is made anew.
CREATE TABLE releases_new (
    project_id  INTEGER NOT NULL REFERENCES projects (id),
    number      INTEGER NOT NULL,
    tree        TEXT    NOT NULL,
    entry       TEXT    NOT NULL,
    layer       TEXT    NOT NULL,
    env_version INTEGER NOT NULL,
    ir          BLOB    NOT NULL,
    jobs        BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'interrupted', 'live', 'failed', 'superseded')),
    reason      TEXT    NOT NULL,
    created_by  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    live_at     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, number)
);
INSERT INTO releases_new (project_id, number, tree, entry, layer, env_version, ir, jobs, state, reason, created_by, created_at, live_at)
    SELECT project_id, number, tree, entry, layer, env_version, ir, jobs, state, reason, created_by, created_at, live_at FROM releases;
DROP TABLE releases;
ALTER TABLE releases_new RENAME TO releases;
CREATE UNIQUE INDEX releases_live ON releases (project_id) WHERE state = 'live';
