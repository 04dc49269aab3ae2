"""A failed producer is restarted; one that ends in order is not."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from embedded_aws.child import how_it_ended
from local.counters import Counters
from local.keeping import STEADY_SECONDS, Keeper
from producer.backoff import Backoff


class Process:
    """A started producer that ends when the test says so."""

    def __init__(self, ended: Callable[[int], None]) -> None:
        self.ended = ended
        self.stopped = self.forgotten = False

    def stop(self) -> None:
        self.stopped = True

    def forget(self) -> None:
        self.forgotten = True


class Kept:
    """A keeper whose waits are over at once, and what it did."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.told: list[tuple[str, float]] = []
        self.done: list[int] = []
        self.now = 0.0
        self.keeper = Keeper(
            self._start,
            failing=lambda how, seconds: self.told.append((how, seconds)),
            ended=self.done.append,
            backoff=Backoff(0.001, 0.008, random.Random(1)),
            clock=lambda: self.now,
        )
        self.keeper.start()

    def _start(self, ended: Callable[[int], None]) -> Process:
        self.processes.append(Process(ended))
        return self.processes[-1]

    def end(self, status: int) -> None:
        """The newest producer ends by itself."""
        self.processes[-1].ended(status)

    @property
    def waits(self) -> list[float]:
        """The bounds of the waits so far, in units of the first."""
        return [round(seconds / 0.001) for _, seconds in self.told]


@pytest.mark.parametrize("status", [1, -9, -11])
def test_a_failed_producer_is_restarted_and_reported(status: int) -> None:
    kept = Kept()
    kept.end(status)
    assert len(kept.processes) == 2
    assert kept.processes[0].forgotten
    assert [how for how, _ in kept.told] == [how_it_ended(status)]
    assert not kept.keeper.is_down


def test_each_wait_is_longer_up_to_the_longest() -> None:
    kept = Kept()
    for _ in range(6):
        kept.end(1)
    assert kept.waits == [1, 2, 4, 8, 8, 8]


def test_a_producer_that_was_well_for_long_is_started_again_soon() -> None:
    kept = Kept()
    for _ in range(3):
        kept.end(1)
    kept.now += STEADY_SECONDS
    kept.end(1)
    assert kept.waits == [1, 2, 4, 1]


@pytest.mark.parametrize("status", [0, 2])
def test_an_end_in_order_or_a_wrong_command_line_is_the_end(status: int) -> None:
    kept = Kept()
    kept.end(status)
    assert (len(kept.processes), kept.done, kept.told) == (1, [status], [])


def test_nothing_is_started_after_the_stop() -> None:
    kept = Kept()
    kept.keeper.stop()
    assert kept.processes[0].stopped
    kept.end(-15)
    kept.keeper.start()
    assert (len(kept.processes), kept.told, kept.done) == (1, [], [])


def test_the_stop_ends_a_wait() -> None:
    made: list[Process] = []
    failed = threading.Event()

    def start(ended: Callable[[int], None]) -> Process:
        made.append(Process(ended))
        return made[-1]

    backoff = Backoff(3600, 3600, random.Random(1))
    keeper = Keeper(start, failing=lambda *_: failed.set(), ended=lambda _: None, backoff=backoff)
    keeper.start()
    waiting = threading.Thread(target=made[0].ended, args=(1,), daemon=True)
    waiting.start()
    assert failed.wait(60)
    assert keeper.is_down
    keeper.stop()
    waiting.join(60)
    assert not waiting.is_alive()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("status", "words"), [(1, "ended with status 1"), (-9, "was killed (SIGKILL)")]
)
def test_an_exit_status_is_described_in_words(status: int, words: str) -> None:
    assert how_it_ended(status) == words


def test_alerts_before_a_restart_still_count() -> None:
    counters = Counters()
    counters.produced({"source": "simulator", "state": "live", "sent": 7, "bars": 3})
    counters.producer_is_down(2)
    down = counters.snapshot()
    assert (down.source, down.state) == ("simulator", "failed, restarting in 2 s")
    counters.produced({"source": "simulator", "state": "live", "sent": 1, "bars": 0})
    assert (down.sent, counters.snapshot().sent) == (10, 11)
