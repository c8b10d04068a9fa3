"""The tables, as plain SQL: the CHECKs and the partial unique indexes are the design."""

from __future__ import annotations

from collections.abc import Iterator

APPLICATION_ID = 0x52415352
"""`RASR`: tells this store from any other SQLite file."""

TABLES_1 = """
CREATE TABLE apply (
    id INTEGER PRIMARY KEY,
    began TEXT NOT NULL,
    ended TEXT,
    spec_path TEXT NOT NULL,
    spec_digest TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    git_commit TEXT,
    outcome TEXT,
    exit_code INTEGER
) STRICT;

CREATE TABLE text (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
    content BLOB NOT NULL  -- zlib
) STRICT, WITHOUT ROWID;

CREATE TABLE digest (
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    raw TEXT NOT NULL,
    semantic TEXT NOT NULL,
    hashed_ns INTEGER NOT NULL,
    PRIMARY KEY (path, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    apply INTEGER NOT NULL REFERENCES apply (id),
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    worker TEXT NOT NULL,
    slot INTEGER NOT NULL CHECK (slot >= 0),
    cores INTEGER NOT NULL CHECK (cores >= 1),
    state TEXT NOT NULL CHECK (
        state IN ('starting', 'running', 'publishing', 'succeeded', 'failed', 'lost', 'cancelled')
    ),
    reason TEXT NOT NULL,
    created TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    exit_code INTEGER,
    failure_kind TEXT CHECK (failure_kind IN ('worker', 'retryable', 'permanent')),
    failure_cause TEXT,
    failure_message TEXT,
    discarded INTEGER NOT NULL DEFAULT 0 CHECK (discarded IN (0, 1)),
    CHECK ((failure_kind IS NULL) = (failure_message IS NULL)),
    CHECK (state NOT IN ('failed', 'lost', 'cancelled') OR failure_kind IS NOT NULL),
    CHECK (state NOT IN ('starting', 'running', 'publishing', 'succeeded') OR failure_kind IS NULL)
) STRICT;
CREATE UNIQUE INDEX one_live_run_of_a_plan ON run (address)
    WHERE state IN ('starting', 'running', 'publishing');
CREATE UNIQUE INDEX one_live_run_on_a_slot ON run (worker, slot)
    WHERE state IN ('starting', 'running', 'publishing');
CREATE INDEX runs_of_a_plan ON run (address, created);

CREATE TABLE run_input (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    raw TEXT NOT NULL,
    semantic TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_component (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
    run TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    content BLOB NOT NULL  -- zlib
) STRICT, WITHOUT ROWID;

CREATE TABLE output (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    run TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    expectation_digest TEXT NOT NULL,
    provenance TEXT NOT NULL CHECK (provenance IN ('computed', 'copied', 'recalled', 'adopted')),
    engine TEXT NOT NULL,
    worker TEXT NOT NULL,
    at TEXT NOT NULL,
    summary TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_current_output_of_a_plan ON output (address) WHERE current = 1;

CREATE TABLE output_component (
    output INTEGER NOT NULL REFERENCES output (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (output, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification (
    address TEXT PRIMARY KEY,
    output_digest TEXT NOT NULL,
    expectation_digest TEXT NOT NULL,
    shortfalls TEXT NOT NULL CHECK (json_valid(shortfalls)),
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('retry', 'cancel')),
    address TEXT NOT NULL,
    at TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    closed TEXT,
    outcome TEXT,
    CHECK ((closed IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX open_requests ON request (id) WHERE closed IS NULL;

CREATE TABLE verdict (
    place INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    sync TEXT NOT NULL,
    phase TEXT NOT NULL,
    reasons TEXT NOT NULL CHECK (json_valid(reasons)),
    next_at TEXT,
    output TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT,
    run TEXT,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_a_plan ON event (address, id);

CREATE TABLE controller (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;
"""

MENTIONS = """
CREATE TABLE mention (
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    found TEXT NOT NULL CHECK (json_valid(found)),
    read_ns INTEGER NOT NULL,
    PRIMARY KEY (path, kind)
) STRICT, WITHOUT ROWID;
"""

PROGRESS = """
CREATE TABLE run_progress (
    run TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    messages TEXT,
    facts TEXT NOT NULL CHECK (json_valid(facts)),
    done REAL CHECK (done BETWEEN 0 AND 1),
    resume TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run_stop (
    run TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    cause TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE assessment (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    judged_as TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (json_valid(evidence))
) STRICT, WITHOUT ROWID;

CREATE TABLE adopted_input (
    run TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    raw TEXT NOT NULL,
    semantic TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE output ADD COLUMN remarks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(remarks))
"""

ORDER = """
ALTER TABLE request ADD COLUMN after_run TEXT REFERENCES run (id);
UPDATE request SET after_run = (
    SELECT id FROM run WHERE run.created <= request.at ORDER BY created DESC, rowid DESC LIMIT 1
);
"""
"""The newest run when a request was filed: what came first is told by the order of rows.

A clock that is set back must not make an old run new."""

PLATFORM = """
ALTER TABLE output ADD COLUMN platform TEXT NOT NULL DEFAULT '';
ALTER TABLE output ADD COLUMN cores INTEGER CHECK (cores >= 1);
CREATE TABLE worker_image (
    worker TEXT PRIMARY KEY,
    image TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
"""Where and with how many cores a result was computed; and the image a worker was last found to have."""

VERDICT_NOTE = """
ALTER TABLE verdict ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN obstacle TEXT
"""
"""What comes next, apart from the reasons, which are objects from here on; and what blocks a plan."""

REMEDIES = """
ALTER TABLE run ADD COLUMN failure_remedy TEXT NOT NULL DEFAULT '';
ALTER TABLE run_stop ADD COLUMN remedy TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN remedy TEXT NOT NULL DEFAULT ''
"""
"""What a person can do, apart from what is wrong; before, one sentence held both."""

BESIDE = """
ALTER TABLE output ADD COLUMN beside TEXT CHECK (beside IS NULL OR json_valid(beside))
"""
"""What was published together with a result: name, size and digest of each; NULL: nobody wrote it down."""

RESULT_SUMMARY = """
ALTER TABLE output ADD COLUMN shown TEXT CHECK (shown IS NULL OR json_valid(shown))
"""
"""What `results` lists of a result, as it was read when the result was proven; NULL: it was not noted."""

TROUBLES = """
ALTER TABLE verdict ADD COLUMN blocked_by TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(blocked_by));
UPDATE verification SET shortfalls = (
    SELECT json_group_array(json_array(value, '')) FROM json_each(verification.shortfalls)
);
DELETE FROM assessment
"""
"""What keeps a plan from running and what a result falls short of, each with its remedy; what found results say of
themselves is read again."""

LOST_RUNS = """
CREATE INDEX lost_runs ON run (ended) WHERE state = 'lost';
CREATE INDEX runs_of_a_worker ON run (worker, ended)
"""
"""For what is asked before each decision: what workers lost, and whether they were well since."""

PREDICTED = """
ALTER TABLE run ADD COLUMN predicted REAL CHECK (predicted IS NULL OR predicted >= 0)
"""
"""How many seconds a run was expected to take when it was started; NULL: nothing told, or an older version."""

WATER = """
ALTER TABLE output ADD COLUMN water TEXT CHECK (water IS NULL OR json_valid(water))
"""
"""How a result differs from the one whose place it took; NULL: there was none, or an older version did not look."""

MIGRATIONS: tuple[str, ...] = (
    TABLES_1,
    MENTIONS,
    PROGRESS,
    ORDER,
    PLATFORM,
    VERDICT_NOTE,
    REMEDIES,
    BESIDE,
    RESULT_SUMMARY,
    TROUBLES,
    LOST_RUNS,
    PREDICTED,
    WATER,
)
"""Each brings a store from its place in this list to the next; never changed once released."""


def steps_from(version: int) -> Iterator[tuple[str, ...]]:
    """The statements that make each version after `version`, to be carried out together."""
    for number, ddl in enumerate(MIGRATIONS[version:], start=version + 1):
        changes = tuple(statement for statement in ddl.split(";\n") if statement.strip())
        identity = (f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {number}")
        yield (*changes, *identity)
