"""A record that is nested a thousand deep takes no more work than its bytes, and is kept.

One of 1 KB stalled ingest for 45 seconds and ended in no quarantine. The work is counted in lines
of Python that run, which is the same on every machine.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from chalicelib.domain.payloads import MAX_DEPTH
from chalicelib.domain.wire import decode
from tests.factories import instant

KB = 1000
PLAIN = b'{"symbol":"A","price":"x","pad":"' + b"y" * KB + b'"}'
PLAIN_LIST = b"[" + b"0," * (KB // 2) + b"\xff]"
"""Bad for another reason: not UTF-8."""


def in_object(depth: int) -> bytes:
    return b'{"symbol":"A","price":1,"x":' + b"[" * depth + b"]" * depth + b"}"


def arrays(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def unclosed(depth: int) -> bytes:
    return b"[" * (2 * depth)


def objects(depth: int) -> bytes:
    return b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3)


def both(depth: int) -> bytes:
    return b'[{"a":' * (depth // 4) + b"1" + b"}]" * (depth // 4)


def work(data: bytes) -> int:
    """Lines of Python that run while a record is decoded; it is rejected, and kept whole."""
    lines = 0

    def count(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        decoded = decode(data, instant())
    finally:
        sys.settrace(before)
    assert not decoded.ticks
    assert decoded.rejected[0].payload == data
    return lines


@pytest.mark.parametrize("make", [in_object, arrays, unclosed, objects, both])
def test_a_deep_record_takes_as_much_work_as_one_that_is_bad_for_another_reason(make: Any) -> None:
    data = make(KB // 2)
    plain = work(PLAIN_LIST if data.startswith(b"[") else PLAIN)
    assert work(data) < 4 * plain
    (rejected,) = decode(data, instant()).rejected
    assert rejected.reason == f"nested deeper than {MAX_DEPTH}"


@pytest.mark.parametrize("make", [in_object, arrays, unclosed, objects, both])
def test_twice_the_depth_takes_at_most_twice_the_work(make: Any) -> None:
    assert work(make(4 * KB)) < 2.2 * work(make(2 * KB))
