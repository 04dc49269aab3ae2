"""S3's lifecycle rules: deletes the objects that are older than a rule of their bucket allows."""

from __future__ import annotations

import sqlite3
from typing import Any

from embedded_aws.emulator.stored_objects import decode, written

MOST = 200
"""The most objects that one step deletes."""

DAY_SECONDS = 86_400


class ObjectExpiry:
    """Applies each lifecycle rule once a day, as S3 does."""

    name = "objects"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._followed: dict[tuple[str, str], int] = {}

    def step(self, now: float) -> int:
        """Delete at most MOST objects. Return 0 once every rule has been applied today."""
        today = int(now // DAY_SECONDS)
        for bucket, prefix, days in _rules():
            if self._followed.get((bucket, prefix)) == today:
                continue
            before = now - days * DAY_SECONDS
            if count := self._note_ages(bucket) or self._delete(bucket, prefix, before):
                return count
            self._followed[bucket, prefix] = today
        return 0

    def _note_ages(self, bucket: str) -> int:
        """Note when at most MOST objects of an older file were written. Return their number."""
        rows = self._connection.execute(
            "SELECT name, versions FROM objects WHERE bucket = ? AND written IS NULL LIMIT ?",
            (bucket, MOST),
        ).fetchall()
        self._connection.executemany(
            "UPDATE objects SET written = ? WHERE bucket = ? AND name = ?",
            [(written(decode(raw)), bucket, name) for name, raw in rows],
        )
        return len(rows)

    def _delete(self, bucket: str, prefix: str, before: float) -> int:
        rows = self._connection.execute(
            "SELECT bucket, name FROM objects INDEXED BY objects_by_age"
            " WHERE bucket = ? AND written < ? AND name >= ? AND name < ? LIMIT ?",
            (bucket, before, prefix, prefix + "\U0010ffff", MOST),
        ).fetchall()
        self._connection.executemany("DELETE FROM objects WHERE bucket = ? AND name = ?", rows)
        return len(rows)


def _rules() -> list[tuple[str, str, int]]:
    """Return the bucket, prefix and days of each active rule, except in versioned buckets."""
    from moto.s3.models import s3_backends

    backends = [backend for *_, backend in s3_backends.iter_backends()]
    buckets = [bucket for backend in backends for bucket in backend.buckets.values()]
    rules = [(b.name, _rule(rule)) for b in buckets if not b.is_versioned for rule in b.rules]
    return [(name, *rule) for name, rule in rules if rule is not None]


def _rule(rule: Any) -> tuple[str, int] | None:
    prefix = rule.prefix or (rule.filter.prefix if rule.filter is not None else "")
    if rule.status != "Enabled" or not rule.expiration_days:
        return None
    return prefix or "", int(rule.expiration_days)
