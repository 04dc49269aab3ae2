"""Numbers of trades: what is missing, what is late, and which numbers are not believed."""

from __future__ import annotations

import pytest

from producer.sources.pushed.numbering import FAR, MOST_LATE, Numbering

ABSURD = 2**62


def told(numbers: list[int], numbering: Numbering | None = None) -> list[int | None]:
    """What is missing before each number of a symbol."""
    numbering = numbering or Numbering()
    return [numbering.missed_before("BTC-USD", number) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([10, 11, 13, 14], [0, 0, 1, 0]),
        ([10, 12, 11, 13], [0, 1, None, 0]),
        ([10, 10, 11, 11, 12], [0, None, 0, None, 0]),
        ([10, ABSURD, 11, 12], [0, 1, 0, 0]),
        ([10, ABSURD, ABSURD, 11], [0, 1, None, 0]),
        ([10, ABSURD, ABSURD + 3, ABSURD + 4], [0, 1, 2, 0]),
        ([10, ABSURD, 2 * ABSURD, 11], [0, 1, 1, 0]),
    ],
)
def test_a_number_that_jumps_is_believed_once_the_next_one_follows_it(
    numbers: list[int], missing: list[int | None]
) -> None:
    assert told(numbers) == missing


@pytest.mark.parametrize("wrong", [10 + FAR, 11 + MOST_LATE])
def test_a_wrong_number_holds_up_only_a_few_trades(wrong: int) -> None:
    late = list(range(11, 11 + MOST_LATE))
    assert told([10, wrong, *late]) == [0, wrong - 11, *[None] * (MOST_LATE - 1), 1]


def test_a_wrong_first_number_holds_up_only_a_few_trades() -> None:
    numbering = Numbering()
    told([ABSURD], numbering)
    assert told(list(range(11, 18)), numbering) == [*[None] * (MOST_LATE - 1), 1, 0, 0]


def test_a_new_connection_may_number_from_anywhere() -> None:
    for begun in (5, 10 * FAR):
        numbering = Numbering()
        told([5 * FAR], numbering)
        numbering.begin()
        assert told([begun, begun + 1], numbering) == [0, 0]


def test_a_trade_that_does_not_count_leaves_no_hole_and_moves_no_other_number() -> None:
    numbering = Numbering()
    told([10], numbering)
    assert [numbering.pass_over("BTC-USD", number) for number in (ABSURD, 10, 11)] == [
        False,
        False,
        True,
    ]
    assert told([12], numbering) == [0]
