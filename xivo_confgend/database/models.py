"""The tables of the history: kept versions, pins, audit log. SQLite, ours alone; nothing here is PostgreSQL's.

A database of an earlier schema version is upgraded by the statements of `UPGRADES` when it is opened; one of a later
version (after a downgrade) is given up: losing this database loses history, never a file.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

SCHEMA_VERSION = 2
UPGRADES: Mapping[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE version ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE version ADD COLUMN warning_count INTEGER NOT NULL DEFAULT 0",
    ),
}
"""For each earlier schema version the statements that make the next one of it."""
METADATA = MetaData()

contents = Table(
    "content",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("stored_size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False, comment="zstd"),
)
"""Each distinct content once, whatever number of files and moments had it."""

versions = Table(
    "version",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("first_generated", Float, nullable=False),
    Column("generated", Float, nullable=False, comment="when this content came up last"),
    Column("driver", Text, nullable=False),
    Column("duration", Float, nullable=False),
    Column("warnings", Text, nullable=False, server_default="[]", comment="JSON list of lines, of the last generation"),
    Column("warning_count", Integer, nullable=False, server_default="0"),
    UniqueConstraint("resource", "filename", "digest"),
    Index("version_by_time", "resource", "filename", "generated"),
)

pins = Table(
    "pin",
    METADATA,
    Column("resource", Text, primary_key=True),
    Column("filename", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("pinned_at", Float, nullable=False),
    Column("pinned_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

audit = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("who", Text),
    Column("method", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)
