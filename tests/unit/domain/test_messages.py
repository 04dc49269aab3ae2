from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.conditions import describe
from chalicelib.domain.messages import compose, plain
from tests.factories import make_alert, make_rule, make_tick


def composed(page: str = "", **fields: Any) -> Any:
    return compose(make_alert(**fields), "America/New_York", page)


def test_the_text_says_what_happened_and_when_on_the_exchanges_clock() -> None:
    message = composed()
    assert message.text.startswith("AAPL crossed above 100, at 101\nTime: 2026-11-20 10:30:00 EST")
    assert message.text.endswith("Informational only; not investment advice.")


def test_simulated_prices_are_called_so_first() -> None:
    message = composed(source="simulator")
    assert all(
        text.startswith("[SIMULATED] ") for text in (message.subject, message.text, message.sms)
    )
    assert "SIMULATED" not in composed().text


def test_a_subject_is_ascii_and_shorter_than_a_hundred() -> None:
    message = composed(message="Ü" * 300)
    assert message.subject.isascii()
    assert len(message.subject) < 100
    assert "\n" not in message.subject


def test_an_sms_fits_into_one() -> None:
    message = composed(message="word " * 60)
    assert len(message.sms) <= 140


def test_machines_get_json_with_exact_prices() -> None:
    data = json.loads(composed(price="101.10", values={"value": Decimal("100.5")}).data)
    assert data["price"] == "101.10"
    assert data["values"] == {"value": "100.5"}
    assert data["alert_id"] == make_alert().alert_id


def test_attributes_are_what_filter_policies_match() -> None:
    assert composed().attributes == {
        "symbol": "AAPL",
        "condition": "crossing_up",
        "event_type": "alert",
        "alert_id": make_alert().alert_id,
        "source": "replay",
        "severity": "normal",
    }


def test_an_urgent_alert_says_so_to_machines_and_filter_policies() -> None:
    message = composed(severity="urgent")
    assert message.attributes["severity"] == "urgent"
    assert json.loads(message.data)["severity"] == "urgent"
    assert json.loads(composed().data)["severity"] == "normal"


def test_the_page_is_linked_with_the_symbol_encoded_and_the_alert() -> None:
    message = composed("https://page.example/", symbol="^GSPC")
    alert_id = message.attributes["alert_id"]
    assert f"Chart: https://page.example/#symbol=%5EGSPC&alert={alert_id}\n" in message.text
    test = composed("https://page.example/", symbol="^GSPC", condition="test")
    assert "Chart: https://page.example/#symbol=%5EGSPC\n" in test.text


def test_the_text_has_the_change_with_its_sign() -> None:
    values = {"change": Decimal("-6"), "change_percent": Decimal("-5.6604")}
    assert (
        "Price: 100, -6.00 (-5.66%) against the previous close"
        in composed(price=100, values=values).text
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("golden_cross", "AAPL golden cross: SMA-2 rose above SMA-4 at 101"),
        ("death_cross", "AAPL death cross: SMA-2 fell below SMA-4 at 101"),
        ("change_percent", "AAPL moved +6.00% against the previous close, at 101"),
        ("greater_than", "AAPL is above 100, at 101"),
        ("less_than", "AAPL is below 100, at 101"),
        ("crossing", "AAPL crossed 100, at 101"),
        ("crossing_up", "AAPL crossed above 100, at 101"),
        ("crossing_down", "AAPL crossed below 100, at 101"),
        ("every_record", "AAPL new price 101"),
    ],
)
def test_every_condition_is_described_in_one_clause(condition: str, said: str) -> None:
    values = {"change_percent": Decimal(6)}
    assert describe(make_rule(condition), make_tick(101), values) == said


@pytest.mark.parametrize(
    ("change", "shown"), [("0.00000061", "+0.00000061"), ("-0.004", "-0.004"), ("-1.5", "-1.50")]
)
def test_changes_below_a_cent_are_shown(change: str, shown: str) -> None:
    values = {"change": Decimal(change), "change_percent": Decimal("7.625")}
    text = composed(values=values).text
    assert f"{shown} (+7.62%) against the previous close" in text


def test_a_move_within_bars_names_their_number() -> None:
    rule = make_rule("moving_percent", window=3, value=5)
    said = describe(rule, make_tick(101), {"moved_percent": Decimal("7.126")})
    assert said.startswith("AAPL moved +7.13% within 3 ticks")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1234.50", "1,234.5"),
        ("100", "100"),
        ("0.00000861", "0.00000861"),
        ("0.000012345678", "0.00001235"),
        ("0", "0"),
        ("0E-8", "0"),
        ("0.12346", "0.1235"),
        ("1E+3", "1,000"),
    ],
)
def test_numbers_for_people_are_short(value: str, shown: str) -> None:
    assert plain(Decimal(value)) == shown
