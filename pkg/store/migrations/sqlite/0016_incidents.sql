-- What a project's log tells already of an instance: kind is what happened, told_at the
-- time in nanoseconds of the newest such event, 0 for what lasts until the row is gone.
CREATE TABLE incidents (
    allocation TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (allocation, kind)
);
CREATE INDEX incidents_project ON incidents (project_id);
