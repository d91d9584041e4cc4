-- What happened while a release was brought up, in lines of JSON, several to a row: those
-- from "first" to "last", counted from 1.
CREATE TABLE release_events (
    project_id BIGINT  NOT NULL,
    number     BIGINT  NOT NULL,
    first      BIGINT  NOT NULL,
    last       BIGINT  NOT NULL,
    lines      BYTEA   NOT NULL,
    PRIMARY KEY (project_id, number, first),
    FOREIGN KEY (project_id, number) REFERENCES releases (project_id, number)
);
