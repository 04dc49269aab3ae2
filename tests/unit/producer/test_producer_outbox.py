"""The outbox keeps each key's order and packs records within the limits."""

from __future__ import annotations

import threading

import msgspec

from producer.outbox import Outbox
from producer.records import Record
from producer.wire import Line
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import LIMITS, make_line

NEVER = threading.Event()
HANGS = 3600.0
"""A wait that would outlast the test's own time."""


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def always(_key: str) -> bool:
    return True


def filled(*lines: Line) -> Outbox:
    outbox = Outbox(lambda symbol: symbol)
    outbox.put(lines, NEVER)
    return outbox


def waiting(line: Line, clock: Clock) -> Outbox:
    """An outbox with one line that came at second 0 of the clock."""
    outbox = Outbox(lambda symbol: symbol, now=clock)
    outbox.put([msgspec.structs.replace(line, since=0.0)], NEVER)
    return outbox


def numbers(record: Record) -> list[str]:
    return [msgspec.json.decode(line.payload)["timestamp"][17:19] for line in record.lines]


def test_a_request_holds_one_record_of_each_symbol() -> None:
    outbox = filled(make_line("A", 0), make_line("A", 1), make_line("B", 0))
    records = outbox.take(LIMITS, always)
    assert [(record.key, numbers(record)) for record in records] == [("A", ["00"]), ("B", ["00"])]


def test_unacknowledged_records_are_taken_again() -> None:
    outbox = filled(make_line("A", 0), make_line("A", 1))
    assert outbox.take(LIMITS, always) == outbox.take(LIMITS, always)
    assert outbox.pending == 2


def test_acknowledged_records_make_room_for_the_next() -> None:
    outbox = filled(make_line("A", 0), make_line("A", 1))
    outbox.acknowledge(outbox.take(LIMITS, always))
    assert [numbers(record) for record in outbox.take(LIMITS, always)] == [["01"]]
    assert outbox.pending == 1


def test_several_ticks_share_a_record_when_asked_to() -> None:
    outbox = filled(*(make_line("A", number) for number in range(5)))
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=3)
    (record,) = outbox.take(limits, always)
    assert numbers(record) == ["00", "01", "02"]
    assert len(record.payload.splitlines()) == 3


def test_bars_share_records_below_200_kb_and_never_with_ticks() -> None:
    bars = [make_line("A", number, bar="1m", mode="backfill") for number in range(1999)]
    outbox = filled(*bars, make_line("A", 0))
    sizes, lines = [], 0
    while records := outbox.take(LIMITS, always):
        (record,) = records
        assert len({line.is_bar for line in record.lines}) == 1
        sizes.append(len(record.payload))
        lines += len(record.lines)
        outbox.acknowledge(records)
    assert lines == 2000
    assert max(sizes) < 200_000
    assert len(sizes) == 3


def test_a_request_stays_below_its_bytes() -> None:
    outbox = filled(*(make_line(f"S{number}", 0) for number in range(100)))
    limits = msgspec.structs.replace(LIMITS, request_bytes=1000)
    assert sum(record.size for record in outbox.take(limits, always)) <= 1000


def test_keys_take_turns_when_there_are_more_than_fit() -> None:
    outbox = filled(*(make_line(name, number) for number in range(2) for name in "ABC"))
    limits = msgspec.structs.replace(LIMITS, records=2)
    order = []
    while records := outbox.take(limits, always):
        order.append("".join(record.key for record in records))
        outbox.acknowledge(records)
    assert order == ["AB", "CA", "BC"]


def test_a_symbol_that_has_its_ticks_does_not_wait() -> None:
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=2, flush_seconds=60)
    outbox = filled(make_line("A", 0), make_line("A", 1), make_line("A", 2), make_line("B", 0))
    assert [numbers(record) for record in outbox.take(limits, always)] == [["00", "01"]]
    outbox.acknowledge(outbox.take(limits, always))
    assert outbox.take(limits, always) == []
    assert outbox.pending == 2


def test_ticks_of_several_symbols_in_a_message_are_counted_by_symbol() -> None:
    limits = msgspec.structs.replace(
        LIMITS, ticks_per_record=2, lines_per_record=1000, flush_seconds=60
    )
    outbox = Outbox(lambda _symbol: "group")
    outbox.put([make_line(name, 0) for name in "ABC"], NEVER)
    assert outbox.take(limits, always) == []
    outbox.put([make_line(name, 1) for name in "ABC"], NEVER)
    outbox.put([make_line("A", 2)], NEVER)
    (record,) = outbox.take(limits, always)
    assert [line.symbol for line in record.lines] == ["A", "B", "C", "A", "B", "C"]


def test_ticks_from_a_spool_do_not_wait() -> None:
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=2, flush_seconds=60)
    outbox = filled(msgspec.structs.replace(make_line("A", 0), since=0.0))
    assert len(outbox.take(limits, always)) == 1


def test_the_sender_is_woken_when_a_tick_has_waited_long_enough() -> None:
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=2, flush_seconds=0.05)
    clock = Clock()
    outbox = waiting(make_line("A", 0), clock)
    assert outbox.take(limits, always) == []
    outbox.wait(HANGS)
    clock.now += 0.05
    assert len(outbox.take(limits, always)) == 1


def test_a_change_between_check_and_wait_is_not_missed() -> None:
    outbox = filled()
    assert outbox.take(LIMITS, always) == []
    outbox.put([make_line("A", 0)], NEVER)
    outbox.wait(HANGS)


def test_a_tick_waits_for_company_no_longer_than_it_may() -> None:
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=2, flush_seconds=60)
    clock = Clock()
    outbox = waiting(make_line("A", 0), clock)
    clock.now = 59.9
    assert outbox.take(limits, always) == []
    clock.now = 60.0
    assert len(outbox.take(limits, always)) == 1


def test_nothing_waits_for_company_once_the_source_has_ended() -> None:
    limits = msgspec.structs.replace(LIMITS, ticks_per_record=2, flush_seconds=60)
    outbox = filled(make_line("A", 0))
    outbox.close()
    assert len(outbox.take(limits, always)) == 1
    assert not outbox.is_drained


def test_a_full_outbox_makes_the_source_wait() -> None:
    outbox = Outbox(lambda symbol: symbol, capacity=2)
    outbox.put([make_line("A", 0), make_line("A", 1)], NEVER)
    done = threading.Event()

    def put() -> None:
        outbox.put([make_line("A", 2)], NEVER)
        done.set()

    putting = threading.Thread(target=put)
    putting.start()
    assert not done.wait(0.1)
    outbox.acknowledge(outbox.take(LIMITS, always))
    assert done.wait(PATIENCE_SECONDS)
    putting.join()
    assert outbox.pending == 2
