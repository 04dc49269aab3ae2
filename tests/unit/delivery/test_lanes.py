"""Lanes of work."""

from __future__ import annotations

import threading

import pytest

from chalicelib.services.delivery.lanes import LEAST_A_LANE, PARALLEL_SENDS, in_lanes


def test_a_lane_that_hangs_holds_up_no_other() -> None:
    others_done = threading.Event()
    done: list[int] = []

    def one(item: tuple[str, int]) -> int:
        lane, number = item
        if lane == "hangs":
            assert others_done.wait(10)
        else:
            done.append(number)
            if len(done) == 20:
                others_done.set()
        return number

    items = [(lane, n) for n in range(20) for lane in ("hangs", "works")]
    assert in_lanes(one, items, lambda item: item[0]) == [number for _, number in items]
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize(
    ("lanes", "most"), [(1, PARALLEL_SENDS), (2, PARALLEL_SENDS // 2), (8, LEAST_A_LANE)]
)
def test_lanes_share_the_threads(lanes: int, most: int) -> None:
    under_way: dict[int, int] = {}
    peak: dict[int, int] = {}
    lock = threading.Lock()

    def one(item: int) -> None:
        lane = item % lanes
        with lock:
            under_way[lane] = under_way.get(lane, 0) + 1
            peak[lane] = max(peak.get(lane, 0), under_way[lane])
        threading.Event().wait(0.001)
        with lock:
            under_way[lane] -= 1

    in_lanes(one, range(lanes * 12), lambda item: str(item % lanes))
    assert all(1 <= most_seen <= most for most_seen in peak.values())


def test_a_single_item_runs_in_the_callers_thread() -> None:
    seen = in_lanes(lambda _: threading.current_thread(), ["a"], str)
    assert seen == [threading.current_thread()]


def test_an_error_of_an_item_is_raised() -> None:
    def one(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        in_lanes(one, range(5), str)
