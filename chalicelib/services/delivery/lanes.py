"""Run work in lanes, so that slow work in one lane does not delay the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

PARALLEL_SENDS = 8
"""The number of threads that all lanes share. Each lane has at least LEAST_A_LANE."""

LEAST_A_LANE = 2

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def in_lanes(
    one: Callable[[Item], Outcome], items: Sequence[Item], lane_of: Callable[[Item], str]
) -> list[Outcome]:
    """Call `one` for each item and return the results in the order of the items. Each lane has its
    own threads and begins its items in order. If there is a single item, or PARALLEL_SENDS is 1,
    everything runs in the caller's thread."""
    if min(len(items), PARALLEL_SENDS) < 2:
        return list(map(one, items))
    sizes: dict[str, int] = {}
    for item in items:
        sizes[lane_of(item)] = sizes.get(lane_of(item), 0) + 1
    threads = max(LEAST_A_LANE, PARALLEL_SENDS // len(sizes))
    with ExitStack() as pools:
        lanes = {
            lane: pools.enter_context(ThreadPoolExecutor(min(threads, size)))
            for lane, size in sizes.items()
        }
        futures: list[Future[Outcome]] = [lanes[lane_of(item)].submit(one, item) for item in items]
        return [future.result() for future in futures]
