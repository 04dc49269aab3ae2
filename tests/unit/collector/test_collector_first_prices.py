"""First prices: what does not pass is none, and is asked for again, the exchange closed or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.times import to_text
from producer.wire import WireTick
from tests.producer_support.collecting import CLOSED, ENVIRONMENT, Container, World, world_of

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
CLOSE = datetime(2026, 11, 20, 21, 0, 1, tzinfo=UTC)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(monkeypatch) as made:
        made.now = CLOSED
        made.track("AAPL")
        yield made


def closing(world: World, price: str, volume: int = 1000) -> WireTick:
    return msgspec.structs.replace(
        world.trade("AAPL"),
        timestamp=to_text(CLOSE),
        price=Decimal(price),
        previous_close=Decimal(100),
        volume=Decimal(volume),
    )


def run_minutes(world: World, minutes: int, *, is_warm: bool) -> None:
    warm = Container(world, ENVIRONMENT)
    for _ in range(minutes):
        (warm if is_warm else Container(world, ENVIRONMENT)).run()
        world.advance(60 - world.now.second - world.now.microsecond / 1e6)


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_first_price_far_from_the_previous_close_is_confirmed_by_the_same_answer(
    world: World, is_warm: bool
) -> None:
    world.answers["AAPL"] = lambda _symbol: closing(world, "75")
    run_minutes(world, 5, is_warm=is_warm)
    assert [tick["price"] for tick in world.ticks] == [75]
    assert world.asked["AAPL"] == 2
    assert world.memory["suspects"] == {}
    assert world.memory["answered"] == ["AAPL"]


@pytest.mark.parametrize("is_warm", [True, False])
def test_an_answer_without_a_price_does_not_count_as_a_first_price(
    world: World, is_warm: bool
) -> None:
    prices = iter(["NaN", "0"])
    world.answers["AAPL"] = lambda _symbol: closing(world, next(prices, "99"))
    run_minutes(world, 6, is_warm=is_warm)
    assert [tick["price"] for tick in world.ticks] == [99]
    assert world.asked["AAPL"] == 3


def test_a_first_price_that_never_passes_is_asked_for_ever_less_often(world: World) -> None:
    world.answers["AAPL"] = lambda _symbol: closing(world, "NaN")
    run_minutes(world, 60, is_warm=True)
    assert world.asked["AAPL"] == 7


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_closing_price_that_is_corrected_under_its_second_passes_once(
    world: World, is_warm: bool
) -> None:
    world.now = CLOSE + timedelta(minutes=1)
    answers = [closing(world, "100.0")] * 4
    later = closing(world, "100.4", 5_000_000)
    world.answers["AAPL"] = lambda _symbol: msgspec.structs.replace(
        answers.pop() if answers else later
    )
    run_minutes(world, 4, is_warm=is_warm)
    assert [tick["price"] for tick in world.ticks] == [100.0, 100.4]
    assert world.memory["sent"] == {"AAPL": ["100.4", "5000000"]}
