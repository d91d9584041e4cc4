-- The ledger of tasks. Rank orders the states of one attempt (pkg/task). Key is that
-- of whoever sent it. Payload is there for those that a person may put back: of others
-- it is in the broker only. Result and error are JSON.
CREATE TABLE tasks (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project_id  BIGINT NOT NULL REFERENCES projects (id),
    function    TEXT COLLATE "C" NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'retrying', 'succeeded', 'failed', 'dead')),
    attempt     BIGINT NOT NULL,
    rank        BIGINT NOT NULL,
    first       BIGINT NOT NULL,
    release     BIGINT NOT NULL,
    shape       TEXT    NOT NULL,
    enqueued_at BIGINT NOT NULL,
    started_at  BIGINT NOT NULL DEFAULT 0,
    next_at     BIGINT NOT NULL DEFAULT 0,
    finished_at BIGINT NOT NULL DEFAULT 0,
    allocation  TEXT    NOT NULL DEFAULT '',
    server      TEXT    NOT NULL DEFAULT '',
    result      BYTEA,
    error       BYTEA,
    payload     BYTEA,
    -- An agent that has not heard of it may still begin or run the task.
    cancelled   BIGINT NOT NULL DEFAULT 0
);
-- An id begins with the time at which it was made: pages are in the order of ids.
CREATE INDEX tasks_page ON tasks (project_id, id);
CREATE INDEX tasks_state ON tasks (project_id, state, id);
CREATE INDEX tasks_waiting ON tasks (project_id, function, enqueued_at) WHERE finished_at = 0;
CREATE INDEX tasks_cancelled ON tasks (project_id, id) WHERE cancelled = 1;
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at > 0;

-- A key gives the same task for a day.
CREATE TABLE task_keys (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    key        TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (project_id, key)
);
CREATE INDEX task_keys_at ON task_keys (at);

-- How often an attempt was begun that the broker handed out more than once.
CREATE TABLE task_claims (
    id         TEXT COLLATE "C" NOT NULL,
    attempt    BIGINT NOT NULL,
    allocation TEXT    NOT NULL,
    starts     BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (id, attempt)
);
CREATE INDEX task_claims_at ON task_claims (at);
