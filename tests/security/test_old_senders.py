"""Which hour of the archive a record's lines lie under: a message that its sender dates far back
hides nobody's ticks from the lake."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.services.ingest.plan import Incoming
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, START, gunzipped, instant, payload, sqs_event, wire

DAY = 86_400
TURN = 1_800.0
"""Seconds from START to the turn of an hour."""


class System:
    """Ingest over AWS in memory."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.services = Services(SETTINGS, lambda: instant(TURN + 100), self.aws)

    def lines(self, root: str) -> dict[str, list[bytes]]:
        """Below `raw/` or `readings/`, by date and hour."""
        objects = {key: body for (_, key), body in self.aws.objects.items() if key.startswith(root)}
        return {key.removeprefix(root)[:23]: gunzipped(body) for key, body in objects.items()}


@pytest.fixture
def system() -> System:
    return System()


def test_a_message_that_is_dated_far_back_takes_no_other_with_it(system: System) -> None:
    event = sqs_event([payload(wire(7, -20 * DAY)), *(payload(wire(n, n)) for n in range(1, 10))])
    long_ago = round((START - timedelta(days=19)).timestamp() * 1000)
    sent = {"stringValue": f"{long_ago}-0", "dataType": "String"}
    event["Records"][0]["messageAttributes"]["ticktape.sent"] = sent
    done = system.services.ingest(events.from_sqs(event), NEVER)
    assert (done.taken, done.quarantined, done.failed) == (10, 0, frozenset())
    assert {place: len(lines) for place, lines in system.lines("raw/").items()} == {
        "date=2026-11-01/hour=15": 1,
        "date=2026-11-20/hour=15": 9,
    }


def kinesis(*arrivals: float) -> list[Incoming]:
    """Records of one shard that arrived at these seconds from START; each corrects the tick of the
    one before."""
    return [
        Incoming(str(n), "shard", str(n), instant(second), payload(wire(n + 1, 5)))
        for n, second in enumerate(arrivals)
    ]


@pytest.mark.parametrize(
    ("arrivals", "lines"),
    [
        ((TURN - 0.1, TURN + 0.1), {15: 1, 16: 1}),
        ((TURN + 0.1, TURN - 0.1, TURN + 0.2), {16: 3}),
        ((TURN - 0.2, TURN + 0.1, TURN - 0.1), {15: 1, 16: 2}),
        ((TURN + 20, TURN - 0.1), {15: 1, 16: 1}),
    ],
)
def test_a_clock_that_goes_back_over_the_turn_of_an_hour_parts_no_records(
    system: System, arrivals: tuple[float, ...], lines: dict[int, int]
) -> None:
    system.services.ingest(kinesis(*arrivals), NEVER)
    found = {int(place[-2:]): len(kept) for place, kept in system.lines("raw/").items()}
    assert found == lines


def test_each_hour_says_which_of_a_batchs_copies_counts(system: System) -> None:
    system.services.ingest(kinesis(TURN - 0.1, TURN + 0.1), NEVER)
    readings = system.lines("readings/")
    assert sorted(readings) == ["date=2026-11-20/hour=15", "date=2026-11-20/hour=16"]
    assert [json.loads(line)["price"] for lines in readings.values() for line in lines] == ["2"] * 2
