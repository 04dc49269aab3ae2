"""The tables and indexes of the emulator's file, including those of earlier versions."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    tbl TEXT NOT NULL, h TEXT NOT NULL, r TEXT NOT NULL, item BLOB NOT NULL, expires INTEGER,
    PRIMARY KEY (tbl, h, r)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS index_entries (
    tbl TEXT NOT NULL, idx TEXT NOT NULL, ih TEXT NOT NULL, ir TEXT NOT NULL,
    h TEXT NOT NULL, r TEXT NOT NULL,
    PRIMARY KEY (tbl, idx, ih, ir, h, r)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item_changes (
    tbl TEXT NOT NULL, seq INTEGER NOT NULL, created REAL NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (tbl, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    stream TEXT NOT NULL, shard TEXT NOT NULL, seq INTEGER NOT NULL, created REAL NOT NULL,
    partition_key TEXT NOT NULL, hash_key TEXT, data BLOB NOT NULL,
    PRIMARY KEY (stream, shard, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, versions BLOB NOT NULL, written REAL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    queue TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, message BLOB NOT NULL,
    PRIMARY KEY (queue, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS glue_databases (place TEXT PRIMARY KEY, databases BLOB NOT NULL)
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS glue_partitions (place TEXT NOT NULL, key TEXT NOT NULL,
    partition BLOB NOT NULL, PRIMARY KEY (place, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS athena_queries (id TEXT PRIMARY KEY,
    submitted REAL NOT NULL, state TEXT NOT NULL, token TEXT, same TEXT NOT NULL,
    execution TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS athena_workgroups (name TEXT PRIMARY KEY, workgroup TEXT NOT NULL)
WITHOUT ROWID;
"""
"""SQLite stores these statements verbatim in each file. If one changes, keep its text in OLDER."""

INDEXES = """
CREATE INDEX IF NOT EXISTS items_by_expiry ON items (tbl, expires) WHERE expires IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_age ON objects (bucket, written, name);
CREATE INDEX IF NOT EXISTS athena_queries_same ON athena_queries (same, submitted);
CREATE INDEX IF NOT EXISTS athena_queries_token ON athena_queries (token);
CREATE INDEX IF NOT EXISTS athena_queries_submitted ON athena_queries (submitted);
"""

ADDED = (("items", "expires", "INTEGER"), ("objects", "written", "REAL"))
"""The columns that tables of older files lack."""

OLDER = """
CREATE TABLE items (
    tbl TEXT NOT NULL, h TEXT NOT NULL, r TEXT NOT NULL, item BLOB NOT NULL,
    PRIMARY KEY (tbl, h, r)
) WITHOUT ROWID;
CREATE TABLE objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, versions BLOB NOT NULL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
"""
"""Tables of earlier versions."""
