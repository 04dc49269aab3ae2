"""What a start says about a data folder that someone else may have made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.rules import Rules
from chalicelib.adapters.state import States
from chalicelib.adapters.symbols import Symbols
from chalicelib.domain.channels import TOPIC
from chalicelib.domain.detection import State
from chalicelib.domain.holding_settings import DailyAt, Limit
from chalicelib.domain.quiet_hours import QuietHours
from chalicelib.domain.rules import parse_rule
from chalicelib.services.symbol_stores import SymbolEntry
from local import kept_notes
from rigs.invocations import at
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport

ENVIRONMENT = {"RULES_TABLE": "rules"}
NIGHTS = QuietHours(("mon", "tue"), "22:00", "07:00", "UTC")


@pytest.fixture
def dynamodb() -> Any:
    return Transport(Aws()).dynamodb


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"enabled": False}, "switched off"),
        ({"default": False}, "not a default channel"),
        ({"quiet_hours": (NIGHTS,)}, "quiet mon,tue 22:00-07:00 UTC"),
        ({"enabled": False, "limit": Limit(1, 1440)}, "switched off; limit 1/1440"),
        ({"digest": DailyAt("08:00", "UTC")}, "digest 08:00@UTC"),
    ],
)
def test_a_start_says_that_the_topic_sends_less_or_later(
    changed: dict[str, Any], said: str, dynamodb: Any
) -> None:
    store = Channels(dynamodb, "rules")
    assert store.write(store.table(), (TOPIC,))
    assert kept_notes.topic(dynamodb, ENVIRONMENT) is None
    assert store.write(store.table(), (msgspec.structs.replace(TOPIC, **changed),))
    assert kept_notes.topic(dynamodb, ENVIRONMENT) == (
        f"the alerts topic, which this terminal shows, was changed ({said}):"
        " python -m local channels list"
    )


def test_a_start_says_how_many_default_rules_are_replaced(dynamodb: Any) -> None:
    def put(rule_id: str, **fields: Any) -> None:
        rule = parse_rule({"symbol": "*", "condition": "every_record", **fields}, rule_id)
        assert store.write(store.table(), rule)

    store = Rules(dynamodb, "rules")
    put("mine", enabled=False)
    assert kept_notes.rules(dynamodb, ENVIRONMENT) is None
    put("default-cross-5m")
    assert kept_notes.rules(dynamodb, ENVIRONMENT) == (
        "1 default rule is replaced by stored rules: python -m local rules export"
    )
    put("default-change-percent", enabled=False)
    assert kept_notes.rules(dynamodb, ENVIRONMENT) == (
        "2 default rules are replaced by stored rules, 1 of them switched off:"
        " python -m local rules export"
    )


def test_a_start_names_symbols_whose_state_cannot_be_read(dynamodb: Any) -> None:
    tables = {"SYMBOLS_TABLE": "symbols", "STATE_TABLE": "state"}
    states, symbols = States(dynamodb, "state"), Symbols(dynamodb, "symbols")
    for name in ("AAPL", "MSFT", "GOOG"):
        symbols.put("seen", SymbolEntry(symbol=name, added_at=at(0)))
        assert states.put(State(symbol=name))
    assert kept_notes.states(dynamodb, tables) is None
    said = {1: "the state of 1 symbol", 2: "the states of 2 symbols"}
    for count, name in enumerate(["MSFT", "AAPL"], 1):
        dynamodb.put_item(TableName="state", Item={"symbol": {"S": name}, "data": {"S": "x"}})
        note = kept_notes.states(dynamodb, tables)
        names = " ".join(sorted(["MSFT", "AAPL"][:count]))
        assert note == f"{said[count]} cannot be read: python -m local rebuild {names}"


def test_a_start_goes_on_if_what_is_stored_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str | None:
        raise KeyError("version")

    for name in kept_notes._NOTES:
        monkeypatch.setitem(kept_notes._NOTES, name, broken)
    monkeypatch.setitem(kept_notes._NOTES, "mutes", lambda *_: "2 stored mutes hold alerts back")
    assert list(kept_notes.notes(None, {})) == [
        "the stored keys cannot be read: KeyError",
        "the stored channels cannot be read: KeyError",
        "the stored topic cannot be read: KeyError",
        "2 stored mutes hold alerts back",
        "the stored rules cannot be read: KeyError",
        "the stored states cannot be read: KeyError",
    ]
