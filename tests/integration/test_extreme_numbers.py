"""Numbers at the bounds of the lake's types end no statement: not a report's, not compaction's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain import ticks as domain_ticks
from chalicelib.domain.correction import minutes_of
from chalicelib.domain.ticks import HIGHEST_PRICE, HIGHEST_VOLUME
from chalicelib.services.reports.files import all_reports
from rigs.emulated import Emulated
from tests.integration.test_compaction import Lake, bar, wire

AT = datetime(2026, 11, 17, 15, tzinfo=UTC)
RANGE = {"start": "2026-11-01", "end": "2026-11-20"}
PRICE = "999999999999.999999999"
VOLUME = "999999999999999999.999999999"


@pytest.fixture
def lake(emulated: Emulated) -> Lake:
    """A stage with two ordinary ticks and a bar."""
    made = Lake(emulated)
    made.ingest(
        (AT, wire(AT, "AAPL", 100, volume=5, previous_close=90)), (AT, bar("2026-11-16", 2))
    )
    return made


def exact(record: bytes, **numbers: str) -> bytes:
    """The record with numbers that no float holds."""
    text = json.dumps({**json.loads(record), **numbers})
    for number in numbers.values():
        text = text.replace(f'"{number}"', number)
    return text.encode()


def ask_all_reports(lake: Lake, symbol: str) -> Iterator[str]:
    """Run each report to its end. Fails with the reason of a failed one."""
    for report in all_reports():
        names = {parameter.name for parameter in report.parameters}
        given = {
            name: value for name, value in {**RANGE, "symbol": symbol}.items() if name in names
        }
        query_id, _ = lake.services.reports.start(report.name, given, 0)
        lake.ended(query_id)
        yield report.name


def test_readings_that_fit_no_type_are_left_out_of_reports_and_compaction(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(domain_ticks, "HIGHEST_PRICE", Decimal(10) ** 12)
        earlier.setattr(domain_ticks, "HIGHEST_VOLUME", Decimal(10) ** 18)
        lake.ingest(
            (AT, exact(wire(AT, "PRICE", 1), price=PRICE)),
            (AT, exact(wire(AT, "OPEN", 1), open=PRICE)),
            (AT, exact(wire(AT, "VOLUME", 1), volume=VOLUME)),
            (AT, exact(bar("2026-11-16", 1, "BARS"), price=PRICE)),
            (AT, exact(bar("2026-11-16", 1, "VOLBAR"), volume=VOLUME)),
        )
    ticks = "SELECT symbol, open, volume FROM all_ticks ORDER BY symbol"
    bars = "SELECT symbol, volume FROM bars_1d ORDER BY symbol"

    def look() -> None:
        assert lake.ask(ticks) == [
            ("AAPL", None, "5.00000000"), ("OPEN", None, None), ("VOLUME", None, None)
        ]  # fmt: skip
        assert lake.ask(bars) == [("HIST", "100.00000000"), ("VOLBAR", None)]

    look()
    assert len(list(ask_all_reports(lake, "VOLUME"))) == len(all_reports())
    assert lake.compact().days == ("2026-11-17",)
    look()


def test_minutes_whose_volume_adds_up_beyond_its_type_are_those_that_detection_builds(
    lake: Lake,
) -> None:
    price = str(HIGHEST_PRICE)
    for n in range(6):
        record = wire(AT + timedelta(seconds=n), "VOLUME", 1, volume=(10**18 - 1) * (n % 2))
        lake.ingest((AT, exact(record, price=price, previous_close=price)))
    assert lake.ask("SELECT count(*) FROM all_ticks WHERE symbol = 'VOLUME'") == [("6",)]
    assert len(list(ask_all_reports(lake, "VOLUME"))) == len(all_reports())
    assert lake.compact().days == ("2026-11-17",)
    volumes = lake.ask("SELECT symbol, volume FROM bars_1m ORDER BY symbol")
    assert volumes == [("AAPL", "0.00000000"), ("VOLUME", f"{HIGHEST_VOLUME}")]
    ticks = [tick for tick in lake.expected() if tick.symbol == "VOLUME"]
    assert [minute.volume for minute in minutes_of([], ticks)] == [HIGHEST_VOLUME]
