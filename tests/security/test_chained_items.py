"""Ticks that share items with others must not make more work than they are."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.services.ingest import plan
from chalicelib.services.ingest.ingest import Ingested
from chalicelib.services.ingest.stored_items import MOST_MOVES
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, instant, kinesis_event, payload, wire

LONG = 300


def tick(number: int, state: str, price: int = 1) -> dict[str, Any]:
    """Return a tick `number` milliseconds after the first instant."""
    return wire(price, number / 1000, market_state=state)


def chain(length: int) -> list[bytes]:
    """Records of two ticks, the first of which is the second one of the record before. No item may
    hold ticks of both market states."""
    return [
        payload(
            *(
                tick(at, "REGULAR" if number % 2 else "PRE", number + 1)
                for at in (number, number + 1)
            )
        )
        for number in range(length)
    ]


def trigger(length: int) -> bytes:
    """Takes the place of the last tick of all."""
    return payload(tick(length, "POST", 7_777))


class System:
    """Ingest over AWS in memory, which counts its calls."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.services = Services(SETTINGS, lambda: instant(100), self.aws)
        self.calls: Counter[str] = Counter()
        self._sent = 0
        self.aws.around = self._count

    def send(self, *records: bytes) -> Ingested:
        """A batch."""
        self.calls.clear()
        event = kinesis_event(list(records), self._sent, arrival=100)
        self._sent += len(records)
        done = self.services.ingest(events.from_kinesis(event), NEVER)
        assert not done.failed
        return done

    def _count(self, operation: str, _request: dict[str, Any], perform: Any) -> Any:
        self.calls[operation] += 1
        return perform()

    def prices(self) -> list[int]:
        """Return the prices of all ticks, in order."""
        page = self.services.stores.prices.ticks("AAPL", None, None, limit=9_999)
        return [int(row.tick.price) for row in page.rows]


def test_a_long_chain_is_not_followed_to_its_end_and_the_copy_there_is_kept_aside() -> None:
    system = System()
    system.send(*chain(LONG))
    done = system.send(trigger(LONG), payload(wire(3, 50)))
    assert (done.quarantined, done.taken) == (1, 2)
    assert system.calls["BatchGetItem"] <= MOST_MOVES + 2
    last = LONG - MOST_MOVES
    before = [*range(1, last + 1), last, *range(last + 2, LONG + 1)]
    assert system.prices() == [*before, 7_777, 3], "an older copy of one tick counts again"
    (kept,) = [
        body for (_, key), body in system.aws.objects.items() if key.startswith("quarantine/")
    ]
    part = json.loads(kept)
    assert part["reason"] == "timestamp: more than 20 stored items would have to be moved"
    assert json.loads(base64.b64decode(part["payload"]))["price"] == str(last + 1)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_short_chain_is_parted_and_each_tick_stays_as_it_was_last_sent(at_once: bool) -> None:
    system = System()
    records = [*chain(9), trigger(9)]
    for batch in [records] if at_once else [[record] for record in records]:
        assert system.send(*batch).quarantined == 0
    assert system.prices() == [*range(1, 10), 7_777]


def test_a_chain_within_a_batch_is_as_long_as_it_likes() -> None:
    system = System()
    assert system.send(*chain(3_000), trigger(3_000)).stored == 3_001
    assert system.prices() == [*range(1, 3_001), 7_777]


def test_uniting_ticks_with_full_items_costs_as_much_as_the_ticks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: Counter[str] = Counter()
    shared = plan._shared

    def counted(tick: Any) -> Any:
        looks["at a tick"] += 1
        return shared(tick)

    monkeypatch.setattr(plan, "_shared", counted)
    full = [wire(1, 120 * item + number / 1000) for item in range(4) for number in range(500)]
    ends = [payload(*(wire(9, 120 * item + 0.499) for item in range(4))) for _ in range(200)]
    system = System()
    system.send(payload(*full), *ends)
    assert system.prices() == [*([1] * 499 + [9]) * 4]
    assert looks["at a tick"] < 5 * (len(full) + 4 * len(ends))
