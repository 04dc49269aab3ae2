"""`python -m local rebuild`, over a process of the emulator."""

from __future__ import annotations

import pytest

import commands
from chalicelib.bootstrap import Services
from commands import rebuild_command, values
from rigs.emulated import Emulated
from tests.factories import NEVER, instant, make_incoming, make_trigger, payload, wire


def test_bars_that_were_lost_are_made_again(
    emulated: Emulated, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = emulated.provisioned()
    services = Services(settings, lambda: instant(1000), emulated.clients)
    records = [make_incoming(payload(wire(n + 1, 40 * n)), n, 500) for n in range(6)]
    assert services.ingest(records, NEVER).failed == frozenset()
    assert services.detect([make_trigger(200, 0)]).failed == ()
    before = services.stores.bars.bars("AAPL", "1m", None, None, limit=10).rows
    assert len(before) == 3
    key = {"series": {"S": "AAPL#1m"}, "start": {"S": before[1].start}}
    emulated.clients.dynamodb.delete_item(TableName=settings.bars_table, Key=key)
    assert rebuild_command._one(services, "AAPL", None) == 0
    assert services.stores.bars.bars("AAPL", "1m", None, None, limit=10).rows == before
    assert capsys.readouterr().out == "AAPL: rebuilt from 6 ticks; bars changed: 1\n"


def test_a_symbol_without_ticks_is_one_line_and_status_one(
    emulated: Emulated, capsys: pytest.CaptureFixture[str]
) -> None:
    services = Services(emulated.provisioned(), lambda: instant(1000), emulated.clients)
    assert rebuild_command._one(services, "NOPE", None) == 1
    assert capsys.readouterr().err == (
        "NOPE: no ticks are stored, so there is nothing to rebuild\n"
    )


def test_a_date_means_its_midnight_in_utc() -> None:
    assert values.instant("--from", "2015-06-01") == "2015-06-01T00:00:00.000000Z"


@pytest.mark.parametrize("arguments", [["A/B"], ["AAPL", "--from", "yesterday"]])
def test_invalid_arguments_are_refused_with_status_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("rebuild", arguments) == 2
    assert capsys.readouterr().err.startswith("python -m local rebuild: ")
