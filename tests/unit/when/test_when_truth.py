"""Three-valued conditions, point by point, and what they remember."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.domain.when.nodes import Leaf
from chalicelib.domain.when.reading import read_text
from chalicelib.domain.when.truth import Decider

CLOSE, OPEN = Leaf("close"), Leaf("open")
WORDS = {True: "+", False: "-", None: "?"}


def decided(text: str, closes: list[int | None], *, forgetful: bool = False) -> str:
    """Return + - or ? at each point; open is 5. With `forgetful` each point has a new decider that
    is given the memory of the one before."""
    decide, found = Decider(read_text(text)), ""
    for close in closes:
        if forgetful:
            memory, decide = decide.memory, Decider(read_text(text))
            decide.memory = memory
        value = None if close is None else Decimal(close)
        found += WORDS[decide({CLOSE: value, OPEN: Decimal(5)})]
    return found


CASES = [
    ("close > 5", [4, 5, 6, None], "--+?"),
    ("close >= 5", [4, 5, 6, None], "-++?"),
    ("close < 5 or close > 6", [4, 5, 7, None], "+-+?"),
    ("close > 5 and open > 6", [4, 6, None], "---"),
    ("close > 5 and open > 4", [4, 6, None], "-+?"),
    ("close > 5 or open > 4", [4, 6, None], "+++"),
    ("not close > 5", [4, 6, None], "+-?"),
    ("close crosses above 5", [6, 5, 6, 6, 4, None, 6, 4, 7], "?-+--??-+"),
    ("close crosses below open", [4, 6, 4, 5, 3], "?-+-+"),
    ("close enters 5 to 7", [6, 8, 7, 4, 5, None, 6], "?-+-+-?"),
    ("close leaves 5 to 7", [6, 8, 7, 4, 5, None, 4], "-+-+-?" + "?"),
    ("close > 5 for 3 bars", [6, 6, 6, 6, 5, 6, 6, 6, None, 6, 6, 6], "??++--" + "-+???" + "+"),
    ("close > 5 within 3 bars", [4, 4, 4, 6, 4, 4, 4, None, 4, 4, 4], "??-+++" + "-???-"),
    ("close > 5 for 1 bars", [6, None, 4], "+?-"),
    ("close crosses above 5 within 2 bars", [4, 6, 6, 6], "?++-"),
    ("close / (close - 5) > 0", [6, 5, 4], "+?-"),
]


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize(("text", "closes", "wanted"), CASES)
def test_a_condition_is_true_false_or_unknown(
    text: str, closes: list[int | None], wanted: str, forgetful: bool
) -> None:
    assert decided(text, closes, forgetful=forgetful) == wanted


@pytest.mark.parametrize(
    "memory", ["x", "1.2", "1/x", "²", "7", "u/0.-9.3", "u/9.0.0", "u", "9" * 5_000]
)
def test_a_memory_that_no_decider_wrote_begins_again(memory: str) -> None:
    decide = Decider(read_text("close crosses above 5 or close < 3 for 2 bars"))
    beginning = decide.memory
    decide.memory = memory
    assert decide.memory == beginning


def test_an_empty_memory_begins_again() -> None:
    decide = Decider(read_text("close crosses above 5"))
    decide({CLOSE: Decimal(4)})
    decide.memory = ""
    assert decide({CLOSE: Decimal(6)}) is None


def test_exact_values_are_compared_exactly() -> None:
    decide = Decider(read_text("close > 1.1 * open"))
    assert decide({CLOSE: Decimal("5.5"), OPEN: Decimal(5)}) is False
    assert decide({CLOSE: Decimal("5.50000001"), OPEN: Decimal(5)}) is True
