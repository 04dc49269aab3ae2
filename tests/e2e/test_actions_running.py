"""Splits and dividends on their way from a recording to adjusted prices, in a running system."""

from __future__ import annotations

from pathlib import Path

from chalicelib.domain.bars import Bar
from producer.wire import WireTick, line_of, tick_of_action
from tests.action_support import aapl_days, make_dividend, make_split
from tests.local_support.system import local_system

KNOWN_AT = "2020-09-01T12:00:00.000000Z"


def line(bar: Bar) -> bytes:
    """A day as the producer sends it."""
    tick = WireTick(
        symbol=bar.symbol,
        timestamp=bar.start,
        price=bar.close,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        bar="1d",
        source="replay",
    )
    return line_of(tick).payload


def test_the_api_of_a_running_system_adjusts_for_recorded_actions(tmp_path: Path) -> None:
    days = [bar for bar in aapl_days() if bar.start >= "2020"]
    fields = {"known_at": KNOWN_AT, "source": "replay"}
    actions = [
        make_split("2020-08-31", "4:1", **fields),
        make_dividend("2020-08-31", "1.25", 125, **fields),  # made up
    ]
    told = [line_of(tick_of_action(action)).payload for action in actions]
    recording = tmp_path / "aapl.ndjson"
    recording.write_bytes(b"\n".join([*map(line, days), *told]))
    source = ("--source", "replay", "--file", str(recording), "--symbols", "AAPL")
    with local_system(*source, "--speed", "max", "--data", "none") as system:
        system.ready()

        def closes(adjustment: str) -> list[float]:
            page = system.get(f"/prices/AAPL?interval=1d&adjustment={adjustment}") or {"prices": []}
            return [row["close"] for row in page["prices"]]

        system.until(lambda: closes("all") == [123.559425, 129.04])
        assert closes("splits") == [124.8075, 129.04]
        assert closes("raw") == [499.23, 129.04]
