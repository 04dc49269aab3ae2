"""What a digest says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.digest_messages import MOST_BYTES, MOST_GROUPS, MOST_LINES, compose_digest
from chalicelib.domain.digests import Digest, Member, digest_of
from chalicelib.domain.messages import Message
from tests.factories import at

DIGEST = Digest("sns", at(900))
REASON = "limit of 5 messages in 10 minutes"


def member(seconds: float = 0, **fields: Any) -> Member:
    given: dict[str, Any] = {
        "symbol": "AAPL",
        "timestamp": at(seconds),
        "rule_id": "r1",
        "condition": "crossing_up",
        "price": Decimal("101.50"),
        "message": "AAPL crossed above 100, at 101.5",
        "source": "yfinance",
        "reason": REASON,
        "exchange_timezone": "America/New_York",
    }
    return Member(**{**given, **fields})


def composed(*members: Member, page: str = "") -> Message:
    message = compose_digest(DIGEST, members, page)
    assert message is not None
    return message


def test_alerts_are_grouped_by_symbol_and_condition_with_counts_times_and_last_prices() -> None:
    message = composed(
        member(0),
        member(30, symbol="MSFT", message="MSFT moved +6%"),
        member(60, price=Decimal("103.25")),
        member(90, condition="golden_cross", message="AAPL golden cross"),
        page="https://page.example/",
    )
    assert message.text.splitlines() == [
        "4 alerts on 2 symbols",
        "AAPL crossing up: 2 alerts, 2026-11-20 10:30 to 10:31 EST, last at 103.25",
        "2026-11-20 10:31: AAPL golden cross",
        "2026-11-20 10:30: MSFT moved +6%",
        f"Held: {REASON}",
        "Page: https://page.example/",
        "Note: Informational only; not investment advice.",
    ]
    assert message.subject == "4 alerts on 2 symbols"
    assert message.body is not None


def test_simulated_prices_are_called_so_first() -> None:
    message = composed(member(source="simulator"), member(1))
    assert message.subject == "[SIMULATED] 2 alerts on AAPL"
    assert message.text.startswith("[SIMULATED] ")
    assert message.sms.startswith("[SIMULATED] ")
    assert "SIMULATED" not in composed(member()).text


def test_a_digest_of_very_many_kinds_stays_short_and_counts_the_others() -> None:
    members = [
        member(n, symbol=f"LONGSYMBOL.{n:03}", condition="moving_percent", message="m" * 500)
        for n in range(300)
        for _ in range(1 + n % 3)
    ]
    message = composed(*members, page="https://page.example/")
    assert len(message.text) <= 1024
    assert (len(message.subject) < 100, len(message.sms) <= 140) == (True, True)
    shown = sum(3 for _ in range(MOST_LINES))
    assert f"And: {len(members) - shown} more of {300 - MOST_LINES} other kinds" in message.text
    data = json.loads(message.data)
    assert (data["alerts"], data["complete"]) == (len(members), True)
    assert (len(data["groups"]), data["more_groups"]) == (MOST_GROUPS, 300 - MOST_GROUPS)


def test_machines_get_the_groups_and_attributes_that_all_alerts_share() -> None:
    message = composed(member(0), member(60, price=Decimal("103.25")))
    data = json.loads(message.data)
    assert data["groups"] == [
        {
            "symbol": "AAPL",
            "condition": "crossing_up",
            "alerts": 2,
            "first": at(0),
            "last": at(60),
            "price": "103.25",
            "message": "AAPL crossed above 100, at 101.5",
            "source": "yfinance",
        }
    ]
    assert message.attributes == {
        "symbol": "AAPL",
        "condition": "crossing_up",
        "source": "yfinance",
        "event_type": "digest",
        "alert_id": DIGEST.digest_id,
        "severity": "normal",
    }
    assert message.several == {}
    mixed = composed(member(), member(symbol="MSFT", severity="urgent"))
    assert mixed.attributes["condition"] == "crossing_up"
    assert mixed.several == {"symbol": ("MSFT", "AAPL"), "severity": ("urgent", "normal")}
    assert not mixed.several.keys() & mixed.attributes.keys()


def test_symbols_of_a_very_large_digest_are_the_urgent_and_the_latest() -> None:
    many = MOST_BYTES // 10 + 100
    members = [member(n, symbol=f"S{n:06d}") for n in range(many)]
    urgent = member(symbol="URGENT", severity="urgent")
    symbols = composed(urgent, *members).several["symbol"]
    assert len(json.dumps(symbols, separators=(",", ":"))) <= MOST_BYTES
    kept = len(symbols) - 1
    assert kept > MOST_BYTES // 10 - 3
    assert symbols == ("URGENT", *(one.symbol for one in members[: -kept - 1 : -1]))


def test_groups_with_urgent_alerts_come_first() -> None:
    many = [member(n, symbol=f"S{n % 9}") for n in range(90)]
    urgent = member(99, symbol="URGENT", severity="urgent", message="URGENT crossed above 100")
    message = composed(*many, urgent)
    assert "URGENT crossed" in message.text.splitlines()[1]
    assert json.loads(message.data)["groups"][0]["symbol"] == "URGENT"


def test_a_few_reasons_are_named() -> None:
    message = composed(*(member(reason=f"reason {n}") for n in range(4)))
    assert "Held: reason 0; reason 1, and others" in message.text


def test_a_digest_without_alerts_has_no_message() -> None:
    assert compose_digest(DIGEST, [], "") is None


def test_a_digest_is_found_in_its_key_and_a_symbol_is_none() -> None:
    assert digest_of(DIGEST.symbol) == DIGEST
    assert digest_of("AAPL") is None


@pytest.mark.parametrize("bars", ["5m", "15m"])
def test_the_price_of_a_single_alert_is_shown_whole_however_long_its_words(bars: str) -> None:
    words = f"RELIANCE.NS golden cross: SMA-50 rose above SMA-200 on {bars} bars, volume 1,423,451"
    message = composed(member(message=f"{words} at 1,423.45", price=Decimal("1423.450")))
    line = message.text.splitlines()[1].partition(": ")[2].replace("\u200b", "")
    shown, _, price = line.rpartition("…, at ")
    assert (price, len(line) <= 72) == ("1,423.45", True)
    assert f"{words} ".startswith(f"{shown} ")


def test_an_attribute_is_that_of_all_alerts_also_of_those_that_are_only_counted() -> None:
    mixed = composed(member(source="simulator"), member(1))
    assert mixed.several["source"] == ("simulator", "yfinance")
    assert json.loads(mixed.data)["groups"][0]["source"] is None
    others = [member(n, symbol=f"S{n}") for n in range(MOST_GROUPS + 1)]
    last = composed(*others, member(999, symbol="S99", source="simulator"))
    assert last.several["source"] == ("simulator", "yfinance")
    assert last.attributes["condition"] == "crossing_up"
