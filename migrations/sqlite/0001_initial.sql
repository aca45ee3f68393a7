-- The whole store as of the first release. The same tables, columns and constraints as
-- migrations/postgres/0001_initial.sql. Never edited once released: add 0002 instead.
--
-- Times are microseconds since 1970, UUIDs are lower-case text, booleans are 0 and 1.

-- One row. `term` grows with each new leader; every commit reads it first.
CREATE TABLE scheduler_lease (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    holder       TEXT,
    term         INTEGER NOT NULL,
    expires_at   INTEGER,
    address      TEXT
) STRICT;
INSERT INTO scheduler_lease (id, term) VALUES (1, 0);

-- One row a commit, without gaps: the receipt, and what live updates are made of.
CREATE TABLE feed (
    seq         INTEGER PRIMARY KEY,
    term        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    changes     TEXT    NOT NULL
) STRICT;

CREATE TABLE dag (
    dag_id                TEXT    PRIMARY KEY,
    is_paused             INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    is_stale              INTEGER NOT NULL CHECK (is_stale IN (0, 1)),
    latest                TEXT    NOT NULL,
    file                  TEXT    NOT NULL,
    last_parsed_at        INTEGER NOT NULL,
    last_automated_start  INTEGER,
    last_automated_end    INTEGER,
    next_run_after        INTEGER,
    next_logical_date     INTEGER,
    next_interval_start   INTEGER,
    next_interval_end     INTEGER
) STRICT, WITHOUT ROWID;

-- Never updated. `tags` and `owners` (JSON lists) and `display_name` repeat parts of `dag` for lists.
CREATE TABLE dag_version (
    id            TEXT    PRIMARY KEY,
    dag_id        TEXT    NOT NULL,
    number        INTEGER NOT NULL,
    hash          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    display_name  TEXT    NOT NULL,
    tags          TEXT    NOT NULL,
    owners        TEXT    NOT NULL,
    dag           TEXT    NOT NULL,
    UNIQUE (dag_id, number)
) STRICT;

CREATE TABLE dag_source (
    version  TEXT    PRIMARY KEY REFERENCES dag_version (id) ON DELETE CASCADE,
    source   TEXT    NOT NULL
) STRICT;

CREATE TABLE import_error (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    file         TEXT    NOT NULL UNIQUE,
    timestamp    INTEGER NOT NULL,
    stack_trace  TEXT    NOT NULL,
    diagnostics  TEXT    NOT NULL
) STRICT;

CREATE TABLE dag_run (
    id                   INTEGER PRIMARY KEY,
    dag_id               TEXT    NOT NULL,
    run_id               TEXT    NOT NULL,
    run_type             TEXT    NOT NULL CHECK (run_type IN
        ('scheduled', 'manual', 'backfill', 'operator_triggered', 'asset_triggered', 'asset_materialization')),
    state                TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed')),
    version              TEXT    NOT NULL,
    logical_date         INTEGER,
    data_interval_start  INTEGER,
    data_interval_end    INTEGER,
    run_after            INTEGER NOT NULL,
    queued_at            INTEGER,
    start_date           INTEGER,
    end_date             INTEGER,
    conf                 TEXT    NOT NULL,
    triggered_by         TEXT    NOT NULL CHECK (triggered_by IN
        ('cli', 'operator', 'rest_api', 'ui', 'test', 'timetable', 'asset', 'backfill')),
    triggering_user      TEXT,
    note                 TEXT,
    note_by              TEXT,
    end_reason           TEXT,
    CONSTRAINT dag_run_dag_id_run_id UNIQUE (dag_id, run_id),
    CONSTRAINT dag_run_dag_id_logical_date UNIQUE (dag_id, logical_date)
) STRICT;
CREATE INDEX dag_run_active ON dag_run (id) WHERE state IN ('queued', 'running');
CREATE INDEX dag_run_ended ON dag_run (end_date) WHERE state IN ('success', 'failed');
CREATE INDEX dag_run_dag_id_run_after ON dag_run (dag_id, run_after DESC, id DESC);
CREATE INDEX dag_run_dag_id_state ON dag_run (dag_id, state);
CREATE INDEX dag_run_run_after ON dag_run (run_after DESC, id DESC);

-- No index names the state, which changes five times. What is active is found by its run.
CREATE TABLE task_instance (
    run              INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id          TEXT    NOT NULL,
    map_index        INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    version          TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN
        ('no_status', 'scheduled', 'queued', 'running', 'success', 'failed', 'skipped', 'upstream_failed', 'up_for_retry',
         'up_for_reschedule', 'deferred', 'awaiting_input', 'restarting', 'removed')),
    try_number       INTEGER NOT NULL CHECK (try_number >= 0),
    max_tries        INTEGER NOT NULL CHECK (max_tries >= 0),
    attempt          TEXT,
    relaunches       INTEGER NOT NULL CHECK (relaunches >= 0),
    executor         TEXT,
    node             TEXT,
    pid              INTEGER,
    scheduled_at     INTEGER,
    queued_at        INTEGER,
    start_date       INTEGER,
    end_date         INTEGER,
    first_start      INTEGER,
    next_at          INTEGER,
    awaits           TEXT,
    decision         TEXT,
    pool             TEXT    NOT NULL,
    pool_slots       INTEGER NOT NULL CHECK (pool_slots >= 0),
    priority_weight  INTEGER NOT NULL,
    operator         TEXT    NOT NULL,
    exit_code        INTEGER,
    reason           TEXT,
    note             TEXT,
    PRIMARY KEY (run, task_id, map_index)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX task_instance_id ON task_instance (id);
CREATE INDEX task_instance_start_date ON task_instance (start_date DESC);

-- Tries that another one followed, as they were at their end.
CREATE TABLE task_instance_try (
    run              INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id          TEXT    NOT NULL,
    map_index        INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    version          TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN
        ('no_status', 'scheduled', 'queued', 'running', 'success', 'failed', 'skipped', 'upstream_failed', 'up_for_retry',
         'up_for_reschedule', 'deferred', 'awaiting_input', 'restarting', 'removed')),
    try_number       INTEGER NOT NULL,
    max_tries        INTEGER NOT NULL,
    attempt          TEXT,
    relaunches       INTEGER NOT NULL,
    executor         TEXT,
    node             TEXT,
    pid              INTEGER,
    scheduled_at     INTEGER,
    queued_at        INTEGER,
    start_date       INTEGER,
    end_date         INTEGER,
    first_start      INTEGER,
    next_at          INTEGER,
    awaits           TEXT,
    decision         TEXT,
    pool             TEXT    NOT NULL,
    pool_slots       INTEGER NOT NULL,
    priority_weight  INTEGER NOT NULL,
    operator         TEXT    NOT NULL,
    exit_code        INTEGER,
    reason           TEXT,
    note             TEXT,
    PRIMARY KEY (run, task_id, map_index, try_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    id          TEXT    PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id     TEXT    NOT NULL,
    map_index   INTEGER NOT NULL,
    try_number  INTEGER NOT NULL,
    executor    TEXT    NOT NULL,
    node        TEXT,
    queued_at   INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    outcome     TEXT,
    exit_code   INTEGER,
    waiting     TEXT
) STRICT;
CREATE INDEX attempt_task_instance ON attempt (run, task_id, map_index);
CREATE INDEX attempt_open ON attempt (run) WHERE ended_at IS NULL;

CREATE TABLE xcom (
    run        INTEGER NOT NULL REFERENCES dag_run (id) ON DELETE CASCADE,
    task_id    TEXT    NOT NULL,
    map_index  INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    PRIMARY KEY (run, task_id, map_index, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
    name              TEXT    PRIMARY KEY,
    slots             INTEGER NOT NULL CHECK (slots >= -1),
    description       TEXT,
    include_deferred  INTEGER NOT NULL CHECK (include_deferred IN (0, 1))
) STRICT, WITHOUT ROWID;
INSERT INTO pool (name, slots, description, include_deferred) VALUES ('default_pool', 128, 'Default pool', 0);

CREATE TABLE variable (
    key          TEXT    PRIMARY KEY,
    value        TEXT    NOT NULL,
    description  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE app_user (
    username       TEXT    PRIMARY KEY,
    password_hash  TEXT    NOT NULL,
    role           TEXT    NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE node (
    node           TEXT    PRIMARY KEY,
    address        TEXT,
    last_seen      INTEGER NOT NULL,
    bundle_digest  TEXT
) STRICT, WITHOUT ROWID;

-- The inbox. A row is open until it is answered or withdrawn, never both.
CREATE TABLE request (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    username      TEXT,
    body          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    answer        TEXT,
    answered_at   INTEGER,
    withdrawn_at  INTEGER,
    CHECK (answered_at IS NULL OR withdrawn_at IS NULL),
    CHECK ((answer IS NULL) = (answered_at IS NULL))
) STRICT;
CREATE INDEX request_open ON request (id) WHERE answered_at IS NULL AND withdrawn_at IS NULL;

CREATE TABLE setting (
    name   TEXT    PRIMARY KEY,
    value  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
