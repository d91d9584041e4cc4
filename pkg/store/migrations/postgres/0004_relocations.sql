-- A relocation is a job that is being moved off a server: while it lasts, Nomad has
-- the job in another form than the live release.
CREATE TABLE relocations (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    job        TEXT COLLATE "C" NOT NULL,
    node       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, job)
);
