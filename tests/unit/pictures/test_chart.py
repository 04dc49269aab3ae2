"""Pictures of alerts, decoded and looked at by their pixels."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.pictures.chart import HEIGHT, WIDTH, draw
from chalicelib.domain.pictures.palette import Ink
from tests.factories import make_alert, make_bar
from tests.unit.pictures.conftest import NEW_YORK, Seen, colour

MOST_BYTES = 30_000
Make = Callable[..., Alert]


def test_a_picture_is_small_and_the_same_each_time(minutes: list[Bar], alert: Make) -> None:
    png = draw(minutes, alert(), NEW_YORK)
    seen = Seen(png)
    assert seen.image.size == (WIDTH, HEIGHT) == (640, 320)
    assert seen.bytes < MOST_BYTES
    assert draw(minutes, alert(), NEW_YORK) == png


def test_rising_bars_are_green_and_falling_ones_red(minutes: list[Bar], alert: Make) -> None:
    rising = Seen(draw(minutes, alert(), NEW_YORK))
    assert (rising.count(Ink.UP) > 1000, rising.count(Ink.DOWN)) == (True, 0)
    falling = [make_bar(60 * n, 100 - n, open=101 - n) for n in range(60)]
    seen = Seen(draw(falling, alert(), NEW_YORK))
    assert (seen.count(Ink.DOWN) > 1000, seen.count(Ink.UP)) == (True, 0)


def test_the_signal_of_a_tick_lies_behind_the_last_bar_at_its_price(
    minutes: list[Bar], alert: Make
) -> None:
    seen = Seen(draw(minutes, alert(price=103), NEW_YORK))
    last_bar = max(seen.columns(Ink.UP))
    right = seen.columns(Ink.SIGNAL)
    discs = [x for x in right if last_bar < x]
    assert discs, "a disc and the tag"
    higher = Seen(draw(minutes, alert(price=105), NEW_YORK))
    assert _rows(higher, Ink.SIGNAL)[0] < _rows(seen, Ink.SIGNAL)[0]


def _rows(seen: Seen, ink: Ink) -> list[int]:
    """The rows of the price's tag at the right edge."""
    return [y for y in range(54, HEIGHT) if seen.image.getpixel((WIDTH - 1, y)) == colour(ink)]


def test_averages_of_bars_are_lines_through_the_picture(minutes: list[Bar]) -> None:
    values = {"sma_2": Decimal("105.8"), "sma_5": Decimal("105.7")}
    alert = make_alert(59 * 60 + 5, interval="1m", price="105.9", values=values)
    seen = Seen(draw(minutes, alert, NEW_YORK))
    for ink in (Ink.FAST, Ink.SLOW):
        columns = seen.columns(ink)
        assert max(columns) - min(columns) > WIDTH * 0.75


def test_averages_of_ticks_are_dashes_at_the_signal(minutes: list[Bar], alert: Make) -> None:
    values = {"sma_2": Decimal("104"), "sma_5": Decimal("103")}
    seen = Seen(draw(minutes, alert(values=values), NEW_YORK))
    for ink in (Ink.FAST, Ink.SLOW):
        columns = seen.columns(ink)
        assert 10 < max(columns) - min(columns) < 40


def test_a_level_that_is_near_is_drawn_and_one_far_away_is_not(
    minutes: list[Bar], alert: Make
) -> None:
    near, far = (
        Seen(draw(minutes, alert(values={"value": Decimal(level)}), NEW_YORK)) for level in (104, 9)
    )
    assert len(near.columns(Ink.LEVEL)) > 200
    assert far.columns(Ink.LEVEL) == []


def test_simulated_prices_are_marked_in_red(minutes: list[Bar], alert: Make) -> None:
    marked = Seen(draw(minutes, alert(source="simulator"), NEW_YORK))
    assert marked.count(Ink.WARNING) > 50
    assert Seen(draw(minutes, alert(), NEW_YORK)).count(Ink.WARNING) == 0


def test_the_zone_changes_the_times_alone(minutes: list[Bar], alert: Make) -> None:
    there, here = (
        Seen(draw(minutes, alert(), zone)).image for zone in (NEW_YORK, ZoneInfo("Asia/Tokyo"))
    )
    chart = (0, 54, WIDTH, HEIGHT - 30)
    assert there.crop(chart).tobytes() == here.crop(chart).tobytes()
    assert there.tobytes() != here.tobytes()


@pytest.mark.parametrize("many", [0, 1])
def test_too_few_bars_make_no_picture(many: int, minutes: list[Bar], alert: Make) -> None:
    assert draw(minutes[:many], alert(), NEW_YORK) is None


PRICES = st.decimals("0.00000001", "999999999999", places=8)


@settings(deadline=None, max_examples=50)
@given(
    closes=st.lists(PRICES, min_size=2, max_size=20),
    price=PRICES,
    level=PRICES,
    message=st.text(max_size=300),
    interval=st.sampled_from(["tick", "1m", "5m", "30m", "1h", "1d", "1wk", "1mo"]),
)
def test_any_prices_and_texts_can_be_drawn(
    closes: list[Decimal], price: Decimal, level: Decimal, message: str, interval: str
) -> None:
    stored = {"tick": "1m", "5m": "1m", "30m": "1m", "1wk": "1d", "1mo": "1d"}
    base = stored.get(interval, interval)
    seconds = {"1m": 60, "1h": 3600, "1d": 86400}[base]
    bars = [make_bar(n * seconds, close, interval=base) for n, close in enumerate(closes)]
    alert = make_alert(
        price=price,
        message=message,
        interval=interval,
        values={"value": level, "sma_2": price, "sma_5": level},
    )
    png = draw(bars, alert, NEW_YORK)
    if png is not None:
        assert Seen(png).bytes < MOST_BYTES
