"""Frames and numbers that no source sends: each is passed over, and the producer goes on."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from producer.files.asked import Asked
from producer.files.numbers import number_of
from producer.sources import ndjson
from producer.sources.yahoo_frames import BadFrame, tick_of
from producer.wire import decimal_of

HUGE = ["1e999999", "1E+999999999999999999", "9" * 100_000, "-1e30", "1e29"]
GOOD = '{"symbol":"AAPL","price":1,"timestamp":"2026-11-20T15:30:00.000000Z"}\n'


def frame(price: float = 1.0, milliseconds: int = 1_790_000_000_000) -> str:
    """A frame of Yahoo's stream with a price of AAPL."""
    message: Any = pytest.importorskip("yfinance.pricing_pb2").PricingData()
    message.id, message.price, message.time = "AAPL", price, milliseconds
    text = base64.b64encode(message.SerializeToString()).decode()
    return json.dumps({"type": "pricing", "message": text})


@pytest.mark.parametrize(
    "bad",
    [
        "[" * 100_000,
        '{"type": "pricing", "message": "\u00e9"}',
        '{"type": "pricing", "message": [1]}',
        '{"type": ["pricing"], "message": 1' + "0" * 5000 + "}",
        frame(milliseconds=10**15),
        frame(price=3e38),
    ],
    ids=["deep", "text", "list", "digits", "time", "large"],
)
def test_a_frame_that_is_no_tick_is_a_bad_frame(bad: str) -> None:
    assert tick_of(frame()) is not None
    with pytest.raises(BadFrame) as raised:
        tick_of(bad)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:12])
def test_a_number_out_of_range_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="too many digits") as raised:
        decimal_of(text)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("text", [*HUGE, "1e999999K", "1E+9999999999999999999999"])
def test_a_cell_out_of_range_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="too many digits"):
        number_of(text)


def test_lines_with_such_numbers_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    bad = [f'{{"symbol":"AAPL","price":"{text}"}}\n' for text in HUGE]
    bad.append('{"symbol":"AAPL","price":1,"x":' + "[" * 400_000 + "]" * 400_000 + "}\n")
    path.write_text(GOOD + "".join(bad))
    recording = ndjson.Recording(path, Asked())
    recording.check()
    assert [tick.symbol for tick in recording.ticks()] == ["AAPL"]
