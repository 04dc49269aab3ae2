"""What the charts of a desk show, and what changes with one of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Call

MODULE = "data/desk.js"
SYMBOLS = ["A", "B", "C", "D"]


def view(*desk: str, **fields: Any) -> dict[str, Any]:
    """The view of a desk whose main chart shows a day of A."""
    main = {"symbol": "A", "range": "1D", "interval": "auto", "start": "", "end": ""}
    return {**main, "desk": list(desk), "linked": "none", **fields}


def test_further_charts_show_symbols_that_are_not_shown(call: Call) -> None:
    def laid_out(given: dict[str, Any], count: int, symbols: list[str]) -> Any:
        return call(MODULE, "laidOut", given, count, symbols)["desk"]

    assert laid_out(view(), 3, SYMBOLS) == ["B*1D*auto", "C*1D*auto"]
    assert laid_out(view("C*1Y*1d"), 4, SYMBOLS) == ["C*1Y*1d", "B*1D*auto", "D*1D*auto"]
    assert laid_out(view("C*1Y*1d", "B*1D*auto"), 2, SYMBOLS) == ["C*1Y*1d"]
    assert laid_out(view("C*1Y*1d"), 1, SYMBOLS) == []
    assert laid_out(view(range="custom"), 2, SYMBOLS) == ["B*1D*auto"]


def test_further_charts_of_one_symbol_show_longer_ranges(call: Call) -> None:
    longer = ["A*5D*auto", "A*1M*auto", "A*3M*auto"]
    assert call(MODULE, "laidOut", view(), 4, ["A"])["desk"] == longer
    assert call(MODULE, "laidOut", view(linked="symbol"), 4, SYMBOLS)["desk"] == longer


def test_charts_show_what_they_share_of_the_main_one(call: Call) -> None:
    def shown(given: dict[str, Any]) -> list[str]:
        found = call(MODULE, "shownOf", given, 0)
        return [found[key] for key in ("symbol", "range", "interval", "start", "end")]

    desk, dates = "B*1Y*1d", {"range": "custom", "start": "2026-01-02", "end": "2026-02-03"}
    assert shown(view(desk, **dates)) == ["B", "1Y", "1d", "", ""]
    assert shown(view(desk, linked="symbol")) == ["A", "1Y", "1d", "", ""]
    assert shown(view(desk, linked="time")) == ["B", "1D", "1d", "", ""]
    in_days = shown(view(desk, linked="time", **dates))
    assert in_days == ["B", "custom", "1d", "2026-01-02", "2026-02-03"]


@pytest.mark.parametrize(
    ("linked", "stays"), [("symbol", "A*1Y*1d"), ("time", "B*1D*1d"), ("none", "B*1Y*1d")]
)
def test_charts_stay_as_shown_when_their_link_ends(call: Call, linked: str, stays: str) -> None:
    ended = call(MODULE, "relinked", view("B*1Y*1d", linked=linked), "none")
    assert ended == {"linked": "none", "desk": [stays]}


def test_dates_that_were_shared_end_with_their_link(call: Call) -> None:
    given = view("B*1Y*1d", linked="time", range="custom", start="2026-01-02", end="2026-02-03")
    assert call(MODULE, "relinked", given, "none")["desk"] == ["B*1Y*1d"]


@pytest.mark.parametrize(
    ("linked", "change", "changed"),
    [
        ("none", {"symbol": "C"}, {"desk": ["B*1D*auto", "C*1Y*1d"]}),
        ("none", {"range": "5D"}, {"desk": ["B*1D*auto", "B*5D*1d"]}),
        ("symbol", {"symbol": "C"}, {"symbol": "C", "desk": ["B*1D*auto", "B*1Y*1d"]}),
        ("time", {"range": "5D"}, {"range": "5D", "desk": ["B*1D*auto", "B*1Y*1d"]}),
        ("time", {"interval": "1h"}, {"desk": ["B*1D*auto", "B*1Y*1h"]}),
    ],
)
def test_change_of_a_chart_is_one_of_all_in_what_they_share(
    call: Call, linked: str, change: dict[str, str], changed: dict[str, Any]
) -> None:
    given = view("B*1D*auto", "B*1Y*1d", linked=linked)
    assert call(MODULE, "withChart", given, 1, change) == changed


def test_closing_a_chart_leaves_the_others(call: Call) -> None:
    given = view("B*1D*auto", "C*1Y*1d", "D*1M*auto")
    assert call(MODULE, "without", given, 1) == {"desk": ["B*1D*auto", "D*1M*auto"]}
