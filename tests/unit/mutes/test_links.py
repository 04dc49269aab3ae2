"""The line of a message with the link that mutes, and the mute that the link makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.domain.errors import MuteError
from chalicelib.domain.message_forms import Line
from chalicelib.domain.mute_links import (
    MAX_LINK,
    NAME,
    VALID_FOR,
    is_from_link,
    link_key,
    mute_line,
    parse_link,
)
from chalicelib.domain.mutes import Mute
from tests.factories import make_alert

NOW = datetime(2026, 11, 20, 16, 0, 0, 500, tzinfo=UTC)  # a Friday
PAGE = "https://ticktape.example/"
KEY = link_key("0f" * 32, "dev")


def line_of(
    zone: str | None = "America/New_York", now: datetime = NOW, **alert: Any
) -> Line | None:
    return mute_line(make_alert(**alert), zone, PAGE, KEY, now)


def line(zone: str | None = "America/New_York", now: datetime = NOW, **alert: Any) -> str:
    found = line_of(zone, now, **alert)
    assert found is not None
    assert found.is_link
    return f"{found.label}: {found.value}"


def link_of(text: str) -> str:
    return text.partition("#mute=")[2]


def made(text: str, now: datetime = NOW) -> Mute:
    return parse_link(link_of(text), KEY, now)


def test_a_link_mutes_the_alerts_symbol_until_the_open() -> None:
    text = line()
    assert text.startswith(
        "Mute AAPL until the open (Mon 23 Nov 09:30 EST): https://ticktape.example/#mute="
    )
    mute = made(text)
    assert (mute.symbol, mute.rule_id, mute.name) == ("AAPL", None, NAME)
    assert mute.until == "2026-11-23T14:30:00.000000Z"


def test_the_link_of_an_urgent_alert_mutes_its_rule() -> None:
    text = line(severity="urgent")
    assert text.startswith("Mute this rule until the open")
    mute = made(text)
    assert (mute.symbol, mute.rule_id) == (None, "r1")


def test_a_link_mutes_until_midnight_if_the_market_never_closes() -> None:
    text = line(zone=None, symbol="BTC-USD")
    assert text.startswith("Mute BTC-USD until midnight (Sun 22 Nov 00:00 UTC): ")
    assert made(text).until == "2026-11-22T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        ("2026-11-21T11:59:59", "2026-11-22T00:00:00"),
        ("2026-11-21T12:00:00", "2026-11-23T00:00:00"),
        ("2026-11-21T23:59:59", "2026-11-23T00:00:00"),
    ],
)
def test_links_of_a_day_end_together_where_the_market_never_closes(sent: str, until: str) -> None:
    """So that a mute that was removed is not made again by the next message's link."""
    now = datetime.fromisoformat(f"{sent}+00:00")
    found = line(zone=None, symbol="BTC-USD", now=now)
    assert made(found, now).until == f"{until}.000000Z"


def test_the_same_link_makes_the_same_mute() -> None:
    text = line()
    assert made(text).mute_id == made(text, NOW + timedelta(hours=1)).mute_id
    assert made(text).mute_id != made(line(symbol="MSFT")).mute_id


def test_links_of_several_messages_about_the_same_make_the_same_mute() -> None:
    later = NOW + timedelta(hours=1)
    assert line() != line(now=later)
    assert made(line()).mute_id == made(line(now=later), later).mute_id
    assert is_from_link(made(line()))
    assert not is_from_link(msgspec.structs.replace(made(line()), mute_id="5f0c3a9b1d2e"))


def test_no_link_without_a_page_a_key_or_for_a_test() -> None:
    alert = make_alert()
    assert mute_line(alert, None, "", KEY, NOW) is None
    assert mute_line(alert, None, PAGE, link_key("", "dev"), NOW) is None
    assert line_of(condition="test") is None


def test_the_longest_link_is_within_the_bound() -> None:
    text = line(severity="urgent", rule_id="x" * 64)
    assert len(link_of(text)) < MAX_LINK
    assert made(text).rule_id == "x" * 64


def test_a_link_ends_with_its_mute() -> None:
    text = line(zone=None, symbol="BTC-USD")
    with pytest.raises(MuteError, match="valid until 2026-11-22T00:00:00"):
        made(text, NOW + timedelta(days=2))


def test_a_link_ends_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    opens = NOW + timedelta(days=10)
    monkeypatch.setattr("chalicelib.domain.mute_links.next_open", lambda *_: opens)
    text = line()
    assert made(text, NOW + VALID_FOR).until is not None
    with pytest.raises(MuteError, match="valid until 2026-11-27"):
        made(text, NOW + VALID_FOR + timedelta(seconds=1))
