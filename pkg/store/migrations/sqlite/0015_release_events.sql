-- What happened while a release was brought up, in lines of JSON, several to a row: those
-- from "first" to "last", counted from 1.
CREATE TABLE release_events (
    project_id INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    lines      BLOB    NOT NULL,
    PRIMARY KEY (project_id, number, first),
    FOREIGN KEY (project_id, number) REFERENCES releases (project_id, number)
);
