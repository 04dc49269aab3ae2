"""The contract of Archive, as it lies on S3."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import msgspec
import pytest

from chalicelib.adapters.archive import S3Archive
from chalicelib.domain.raw_lines import ArchivedLine, unpack
from chalicelib.domain.readings import Reading
from chalicelib.services.stores import QuarantinedPart
from rigs.emulated import Emulated
from tests.factories import at, instant

LINES = [ArchivedLine(b'{"price": 1}', instant(0)), ArchivedLine(b'{"price": 2}', instant(1))]


@pytest.fixture
def bucket(emulated: Emulated) -> str:
    return emulated.provisioned().archive_bucket


def objects(emulated: Emulated, bucket: str) -> dict[str, bytes]:
    s3: Any = emulated.clients.s3
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = [entry["Key"] for entry in listed]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_batch_lies_under_its_arrival_and_numbers_however_often_it_comes(
    emulated: Emulated, bucket: str
) -> None:
    archive = S3Archive(emulated.clients.s3, bucket)
    for _ in range(2):
        archive.put_raw(at(), "shardId-1", ("7", "9"), LINES)
    archive.put_raw(at(), "shardId-2", ("7", "9"), LINES)
    archive.put_raw(at(), "shardId-2", ("7", "8", "9"), LINES)
    found = objects(emulated, bucket)
    names = [re.sub(r"\.[0-9a-f]{16}-", ".DIGEST-", key) for key in sorted(found)]
    assert names == [
        "raw/date=2026-11-20/hour=15/shardId-1-7.DIGEST-9.json.gz",
        "raw/date=2026-11-20/hour=15/shardId-2-7.DIGEST-9.json.gz",
        "raw/date=2026-11-20/hour=15/shardId-2-7.DIGEST-9.json.gz",
    ]
    expected = [(line.line, line.arrival) for line in LINES]
    assert all(unpack(body) == expected for body in found.values())


def test_reusing_the_numbers_of_anothers_messages_overwrites_nothing(
    emulated: Emulated, bucket: str
) -> None:
    archive = S3Archive(emulated.clients.s3, bucket)
    forged = [msgspec.structs.replace(line, line=line.line + b" ") for line in LINES]
    reading = Reading(("AAPL", at()), None)
    for lines in (LINES, forged):
        archive.put_readings(at(), "ticks.fifo", ("7", "9"), lines, [reading])
        archive.put_raw(at(), "ticks.fifo", ("7", "9"), lines)
    for payload in ("e30=", "e31="):
        part = QuarantinedPart("why", "ticks.fifo", "7", 0, 0, at(), payload)
        archive.put_quarantine("2026-11-20", "ticks.fifo", ("7", "9"), [part])
    found = objects(emulated, bucket)
    roots = [key.partition("/")[0] for key in found]
    assert Counter(roots) == {"raw": 2, "readings": 2, "quarantine": 2}
    names = [key.partition("/")[2] for key in found]
    assert names.count(next(name for name in names if name.endswith(".gz"))) == 2


def test_a_batchs_quarantined_lines_are_one_object(emulated: Emulated, bucket: str) -> None:
    archive = S3Archive(emulated.clients.s3, bucket)
    parts = [QuarantinedPart("why", "ticks.fifo", "7", part, 0, at(), "e30=") for part in (0, 1)]
    for _ in range(2):
        archive.put_quarantine("2026-11-20", "ticks.fifo", ("7", "9"), parts)
    ((key, body),) = objects(emulated, bucket).items()
    assert re.fullmatch(r"quarantine/date=2026-11-20/ticks.fifo-7\.[0-9a-f]{16}-9\.json", key)
    assert [json.loads(line) for line in body.splitlines()] == [
        {
            "reason": "why",
            "origin": "ticks.fifo",
            "sequence_number": "7",
            "part": part,
            "line": 0,
            "arrived_at": at(),
            "payload": "e30=",
        }
        for part in (0, 1)
    ]
