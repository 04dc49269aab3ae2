"""Which pushed changes are news, and what they do to the open series."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.push_channels import channel_of
from tests.browser.conftest import Call

MODULE = "data/pushed.js"
MINUTE = 60_000


def bar(start: str, close: float, volume: float, **fields: float) -> dict[str, Any]:
    """A bar as the API has it."""
    prices = {"open": close, "high": close, "low": close, "close": close, "volume": volume}
    return {"timestamp": start, **prices, "closed": False, **fields}


def series(interval: str, *bars: dict[str, Any]) -> dict[str, Any]:
    """A series as the page keeps it."""
    return {"symbol": "AAPL", "interval": interval, "lead": [], "bars": list(bars), "first": 0}


def drawn(time: int, close: float, volume: float, **fields: Any) -> dict[str, Any]:
    """A bar as the page keeps it."""
    prices = {"open": close, "high": close, "low": close, "close": close, "volume": volume}
    return {"time": time, **prices, "closed": False, **fields}


def change(*minutes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A change of the symbol."""
    return {"symbol": "AAPL", "first": 2, "version": 2, "minutes": list(minutes), **fields}


def test_page_and_server_agree_about_channels(call: Call) -> None:
    for symbol in ("AAPL", "BRK-B", "^GSPC", "EURUSD=X", "0700.HK", "A_B", ""):
        for channels in (1, 7, 100):
            assert call(MODULE, "channelOf", symbol, channels) == channel_of(symbol, channels)


@pytest.mark.parametrize(
    ("first", "version", "repairs", "order"),
    [
        (6, 6, 1, "next"),
        (4, 7, 1, "next"),
        (7, 7, 1, "gap"),
        (6, 6, 2, "gap"),
        (5, 5, 1, "old"),
        (3, 4, 2, "old"),
    ],
)
def test_a_change_is_next_old_or_after_a_gap(
    call: Call, first: int, version: int, repairs: int, order: str
) -> None:
    given = {"symbol": "AAPL", "first": first, "version": version, "repairs": repairs}
    assert call(MODULE, "orderOf", {"version": 5, "repairs": 1}, given) == order
    assert call(MODULE, "orderOf", None, given) == "next"


def test_a_running_minute_is_replaced_and_the_next_one_is_added(call: Call) -> None:
    held = series("1m", drawn(0, 10, 1))
    first = call(MODULE, "withChange", held, change(bar("1970-01-01T00:00:00Z", 11, 3)), None)
    assert [b["close"] for b in first["series"]["bars"]] == [11]
    assert first["ask"] is False
    later = change(bar("1970-01-01T00:01:00Z", 12, 1))
    second = call(MODULE, "withChange", first["series"], later, first["running"])
    assert [b["close"] for b in second["series"]["bars"]] == [11, 12]
    assert second["ask"] is True  # the minute before has closed


def test_a_longer_bar_grows_with_its_running_minute(call: Call) -> None:
    held = series("5m", drawn(0, 10, 100, high=12, low=9))
    before = drawn(MINUTE, 10, 30)
    given = change(bar("1970-01-01T00:01:00Z", 13, 45))
    done = call(MODULE, "withChange", held, given, before)
    (grown,) = done["series"]["bars"]
    assert (grown["close"], grown["high"], grown["low"], grown["volume"]) == (13, 13, 9, 115)
    assert done["ask"] is False


@pytest.mark.parametrize("before", [None, drawn(0, 10, 30)], ids=["first", "next minute"])
def test_a_longer_bar_is_asked_for_if_the_minute_before_is_unknown_or_closed(
    call: Call, before: Any
) -> None:
    held = series("5m", drawn(0, 10, 100))
    given = change(bar("1970-01-01T00:01:00Z", 13, 45))
    done = call(MODULE, "withChange", held, given, before)
    assert (done["series"], done["ask"]) == (held, True)


def test_a_daily_bar_is_the_pushed_one(call: Call) -> None:
    held = series("1d", drawn(0, 10, 100))
    given = change(day=bar("1970-01-01T00:00:00Z", 14, 500))
    done = call(MODULE, "withChange", held, given, None)
    assert [b["close"] for b in done["series"]["bars"]] == [14]


def test_checks_after_a_silence_become_rare(call: Call) -> None:
    seconds = [call("data/waiting.js", "patienceWithPush", 2, n) for n in range(6)]
    assert seconds == pytest.approx([3.2, 12.8, 51.2, 204.8, 300, 300])
    assert call("data/waiting.js", "patienceWithPush", 3600, 0) == 300
