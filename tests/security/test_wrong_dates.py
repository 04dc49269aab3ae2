"""A wrong date of one answer does not end history, nor the prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer.sources import coinbase
from rigs.pushed_services.coinbase import CoinbaseProtocol
from tests.producer_support.pushed_driver import START, Driver

COIN = ("BTC-USD",)


class Misdated(Driver):
    """A service whose first answers have wrong dates."""

    dates: tuple[datetime, ...] = ()

    @property
    def served_at(self) -> datetime:
        """The next wrong date, or else the right one."""
        if self.dates:
            date, *rest = self.dates
            self.dates = tuple(rest)
            return date
        return self.clock()


def filled(*dates: datetime) -> tuple[Any, Misdated]:
    """The status of the gaps after eleven minutes in which the connection was lost once."""
    service = Misdated(coinbase.service, lambda: CoinbaseProtocol(COIN), COIN)
    service.dates = dates
    service.run(660, at={300: service.close})
    return service.status.gaps(), service


@pytest.mark.parametrize(
    "date", [datetime(1970, 1, 1, tzinfo=UTC), START - timedelta(hours=1)], ids=["1970", "an hour"]
)
def test_a_date_far_in_the_past_is_reported_and_not_used(date: datetime) -> None:
    report, service = filled(date)
    assert report == filled()[0]
    assert report.filled_minutes > 1440
    assert any("that date is not used" in note for note in service.notes)


def test_a_date_some_minutes_in_the_past_stops_no_price() -> None:
    service = Misdated(coinbase.service, lambda: CoinbaseProtocol(COIN), COIN)
    service.dates = (START - timedelta(minutes=9),)
    service.run(120)
    assert "in the future" not in service.status.dropped
    assert len(service.ticks) > 50
