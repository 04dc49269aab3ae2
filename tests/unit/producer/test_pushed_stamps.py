"""Times of trades become stored text, or ValueError."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.times import to_text
from producer.sources.pushed.stamps import stored, stored_milliseconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2014-11-07T08:19:27.028459Z", "2014-11-07T08:19:27.028459Z"),
        ("2021-02-22T15:51:44.208123999Z", "2021-02-22T15:51:44.208123Z"),
        ("2021-02-22T15:51:44Z", "2021-02-22T15:51:44.000000Z"),
        ("2021-02-22T15:51:44.2Z", "2021-02-22T15:51:44.200000Z"),
        ("2021-02-22T10:51:44.208-05:00", "2021-02-22T15:51:44.208000Z"),
    ],
)
def test_times_are_cut_to_microseconds_in_utc(text: str, found: str) -> None:
    assert stored(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "Z", "2014-11-07", "2014-11-07T08:19:27.02845xZ", "2014-13-07T08:19:27.028459Z"),
        *("9999-12-31T23:59:59.999999Z", "2014-11-07T08:19:27"),
        "x" * 5000 + "Z",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        stored(text)


@given(seconds=st.floats(4e7, 7e9))
def test_every_plausible_instant_comes_back(seconds: float) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)
    text = to_text(instant)
    assert stored(text) == text
    milliseconds = int(instant.replace(microsecond=0).timestamp()) * 1000
    assert stored_milliseconds(milliseconds + 7) == f"{text[:20]}007000Z"
