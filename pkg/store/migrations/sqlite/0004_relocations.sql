-- A relocation is a job that is being moved off a server: while it lasts, Nomad has
-- the job in another form than the live release.
CREATE TABLE relocations (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    job        TEXT    NOT NULL,
    node       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, job)
);
