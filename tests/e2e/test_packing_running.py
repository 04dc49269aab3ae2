"""The running system with packing: several ticks to a message, one item, every tick in the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.local_support.aws import clients_of
from tests.local_support.system import LocalSystem, local_system

SYMBOL = "ACME"


def items(system: LocalSystem) -> list[dict[str, Any]]:
    """Return the items of the prices table."""
    facts = system.facts()
    client = clients_of(facts["aws"], system.keys())("dynamodb")
    (table,) = (name for name in client.list_tables()["TableNames"] if name.endswith("-prices"))
    found: list[dict[str, Any]] = client.scan(TableName=table)["Items"]
    return found


def rows(system: LocalSystem) -> list[dict[str, Any]]:
    answer = system.get(f"/prices/{SYMBOL}?interval=tick&limit=5000") or {"prices": []}
    found: list[dict[str, Any]] = answer["prices"]
    return found


def stamps_through(system: LocalSystem, newest: str) -> list[str]:
    """Timestamps that the API answers, once `newest` is among them."""
    stamps = [row["timestamp"] for row in rows(system)]
    return stamps[: stamps.index(newest) + 1] if newest in stamps else []


def note_that_it_is_packed(system: LocalSystem) -> None:
    """Else its ticks are items of their own for the first minutes, as history comes before them."""
    table = system.facts()["environment"]["SYMBOLS_TABLE"]
    line = {"list": "seen", "symbol": SYMBOL, "added_at": "2026-01-01T00:00:00Z", "packed": "yes"}
    item = {name: {"S": value} for name, value in line.items()}
    facts = system.facts()
    client = clients_of(facts["aws"], system.keys())("dynamodb")
    client.put_item(TableName=table, Item=item)


def test_ticks_that_share_a_message_are_one_item_and_all_answered(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path), "--no-page", "--ingest", "sqs"]
    with local_system(*arguments, "--source", "none") as system:
        system.ready()
        note_that_it_is_packed(system)
    arguments += ["--source", "simulator", "--symbols", SYMBOL, "--interval", "0.1"]
    with local_system(*arguments, "--flush-seconds", "1") as system:
        system.ready()
        system.until(lambda: len(rows(system)) > 20)
        stored = items(system)
        newest = max(item["timestamp"]["S"] for item in stored)
        stamps = system.until(lambda: stamps_through(system, newest))  # detect has to see it too
    assert stamps == sorted(set(stamps))
    assert {item["timestamp"]["S"] for item in stored} <= set(stamps)
    assert sum("earlier" in item for item in stored) >= 2
    assert len(stored) <= len(stamps) / 3
