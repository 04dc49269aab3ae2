"""`adjustment=raw|splits|all` on prices, indicators and previews."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain.actions import Action
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.splits import Split
from chalicelib.domain.ticks import HIGHEST_PRICE
from chalicelib.domain.times import to_text
from tests.action_support import KNOWN_AT, make_dividend, make_split, with_history
from tests.api_support import NOW, Client, FakeServices, fill, make_ticks, send
from tests.factories import NEVER


def day(date: str, close: object, source: str = "alpaca", **fields: Any) -> Bar:
    price = Decimal(str(close))
    prices = dict.fromkeys(("open", "high", "low", "close"), price)
    start = f"{date}T00:00:00.000000Z"
    given: dict[str, Any] = {"interval": "1d", "start": start, "volume": Decimal(300), **prices}
    return Bar(symbol="AAPL", source=source, **{**given, **fields})


DAYS = [day("2026-03-02", 300), day("2026-03-03", 303), day("2026-03-04", 102)]
SPLIT = make_split("2026-03-04", "3:1")


def stored(
    days: list[Bar],
    *actions: Action,
    splits: tuple[Split, ...] = (),
    switches: str | None = None,
) -> FakeServices:
    services = FakeServices()
    with_history(services, days, list(actions), switches)
    if splits:
        services.stores.state.put(State(symbol="AAPL", splits=splits))
    return services


def closes(services: FakeServices, adjustment: str | None, **query: str) -> list[Decimal]:
    asked = {"interval": "1d", "limit": "5000", **query}
    asked |= {"adjustment": adjustment} if adjustment else {}
    path = "&".join(f"{name}={value}" for name, value in asked.items())
    return [row["close"] for row in Client(services).get(f"/prices/AAPL?{path}").json["prices"]]


def label(services: FakeServices, adjustment: str | None) -> str:
    query = f"&adjustment={adjustment}" if adjustment else ""
    found: str = Client(services).get(f"/prices/AAPL?interval=1d{query}").json["adjustment"]
    return found


def test_prices_are_as_stored_unless_an_adjustment_is_asked() -> None:
    services = stored(DAYS, SPLIT, make_dividend("2026-03-03", 3, 300))
    assert closes(services, None) == closes(services, "raw") == [300, 303, 102]
    assert closes(services, "splits") == [100, 101, 102]
    assert closes(services, "all") == [99, 101, 102]
    assert [label(services, one) for one in (None, "raw", "splits", "all")] == [
        "raw", "raw", "splits", "all",
    ]  # fmt: skip


@pytest.mark.parametrize(("ratio", "close"), [("9973:1", "0.00000001"), ("1:9973", None)])
def test_prices_have_bounds_after_hundreds_of_absurd_splits(ratio: str, close: str | None) -> None:
    """Their product has more than 4,300 digits, which Python does not write."""
    dates = [f"{year}-{month:02}-01" for year in range(1926, 2026) for month in range(1, 13)]
    services = stored([day("1925-03-02", 300)], *(make_split(date, ratio) for date in dates))
    assert closes(services, "splits") == [Decimal(close) if close else HIGHEST_PRICE]


def test_an_answer_lists_the_actions_of_its_adjustment() -> None:
    client = Client(stored(DAYS, SPLIT, make_dividend("2026-03-03", 3, 300)))
    for path in ("/prices/AAPL?interval=1d", "/prices?symbols=AAPL&interval=1d"):
        found = {}
        for adjustment in (None, "raw", "splits", "all"):
            query = f"&adjustment={adjustment}" if adjustment else ""
            page = client.get(f"{path}{query}").json
            page = page["symbols"][0] if "symbols" in page else page
            found[adjustment] = page.get("actions")
        assert found[None] is found["raw"] is None
        assert found["splits"] == found["all"][1:]
        assert found["all"] == [
            {
                "action": "dividend",
                "ex_date": "2026-03-03",
                "split": None,
                "amount": 3,
                "previous_close": 300,
                "known_at": KNOWN_AT,
                "source": "alpaca",
            },
            {
                "action": "split",
                "ex_date": "2026-03-04",
                "split": "3:1",
                "amount": None,
                "previous_close": None,
                "known_at": KNOWN_AT,
                "source": "alpaca",
            },
        ]


def test_volumes_are_adjusted_for_splits_and_not_for_dividends() -> None:
    services = stored(DAYS, SPLIT, make_dividend("2026-03-03", 3, 300))
    rows = Client(services).get("/prices/AAPL?interval=1d&adjustment=all").json["prices"]
    assert [row["volume"] for row in rows] == [900, 900, 300]


def test_a_week_with_a_split_is_made_of_adjusted_days() -> None:
    services = stored(DAYS, SPLIT)
    path = "/prices/AAPL?interval=1wk&adjustment=splits"
    (week,) = Client(services).get(path).json["prices"]
    assert (week["open"], week["high"], week["low"], week["close"]) == (100, 102, 100, 102)
    assert week["volume"] == 2100


def test_pages_and_both_orders_have_the_same_prices() -> None:
    services = stored(DAYS, SPLIT)
    assert closes(services, "splits", sort="desc") == [102, 101, 100]
    assert closes(services, "splits", end="2026-03-03") == [100]
    page = Client(services).get("/prices/AAPL?interval=1d&adjustment=splits&limit=1").json
    token = page["next_page_token"]
    again = f"/prices/AAPL?interval=1d&adjustment=all&limit=1&page_token={token}"
    assert Client(services).get(again).status == 400  # a token of another adjustment


def test_auto_and_several_symbols_are_adjusted_too() -> None:
    services = stored(DAYS, SPLIT)
    assert closes(services, "splits", interval="auto") == [100, 101, 102]
    path = "/prices?symbols=AAPL&interval=1d&adjustment=splits"
    answer = Client(services).get(path).json
    assert [row["close"] for row in answer["prices"]] == [100, 101, 102]
    assert answer["symbols"][0]["adjustment"] == "splits"


@pytest.mark.parametrize(
    "path", ["/prices/AAPL?interval=tick", "/indicators/AAPL?interval=tick&sma=5"]
)
def test_ticks_are_not_adjusted(path: str) -> None:
    refused = Client(stored(DAYS)).get(f"{path}&adjustment=all")
    assert (refused.status, refused.json["parameter"]) == (400, "adjustment")
    assert Client(stored(DAYS)).get(f"{path}&adjustment=raw").status == 200


def test_an_unknown_adjustment_is_refused() -> None:
    refused = Client(stored(DAYS)).get("/prices/AAPL?adjustment=dividends")
    assert (refused.status, refused.json["allowed"]) == (400, "raw, splits, all")


def test_yahoos_adjusted_history_is_not_adjusted_twice() -> None:
    days = [day(f"2026-03-0{2 + n}", 100 + n, "yfinance") for n in range(3)]
    split = msgspec.structs.replace(SPLIT, source="yfinance")
    services = stored(days, split, make_dividend("2026-03-03", 3, 300, source="yfinance"))
    assert closes(services, "splits") == [100, 101, 102]
    assert closes(services, "all") == [99, 101, 102]
    assert label(services, "raw") == "splits"


def test_yahoos_prices_from_before_a_split_are_adjusted_until_history_replaces_them() -> None:
    told = msgspec.structs.replace(SPLIT, source="yfinance")
    noted = (Split("2026-03-04", 3, 1, Decimal(303)),)
    live = [day(bar.start[:10], bar.close, "yfinance") for bar in DAYS]
    assert closes(stored(live, told, splits=noted), "splits") == [100, 101, 102]
    again = [day("2026-03-02", 100, "yfinance"), day("2026-03-03", 101, "yfinance"), live[2]]
    assert closes(stored(again, told, splits=noted), "splits") == [100, 101, 102]


def test_a_split_that_a_source_told_and_prices_showed_counts_once() -> None:
    seen = (Split("2026-03-05", 3, 1, Decimal(303)),)  # a session late
    assert closes(stored(DAYS, SPLIT, splits=seen), "splits") == [100, 101, 102]


def test_a_split_that_only_prices_showed_counts_where_no_source_told_of_one() -> None:
    seen = (Split("2026-03-04", 3, 1, Decimal(303)),)
    assert closes(stored(DAYS, splits=seen), "splits") == [100, 101, 102]


def test_yahoos_days_are_adjusted_for_splits_after_the_series_left_yahoo() -> None:
    days = [day("2026-03-02", 300, "yfinance"), *DAYS[1:]]
    services = stored(days, SPLIT, switches="2026-03-03T00:00:00.000000Z alpaca")
    assert closes(services, "splits") == [100, 101, 102]


def test_a_bar_of_history_after_midnight_in_utc_is_of_its_session() -> None:
    start = "2026-03-04T00:30:00.000000Z"  # 19:30 of the 3rd
    late = day("2026-03-04", 300, interval="1m", start=start)
    services = stored(DAYS, SPLIT)
    services.stores.bars.write_history([late], KNOWN_AT, NEVER)
    assert closes(services, "splits", interval="1m") == [100]


def test_a_reverse_split_and_a_fraction_are_exact() -> None:
    days = [day("2026-03-02", "0.1"), day("2026-03-03", 45), day("2026-03-04", 31)]
    services = stored(days, make_split("2026-03-03", "1:300"), make_split("2026-03-04", "3:2"))
    assert closes(services, "splits") == [20, 30, 31]


PREVIEW = {"symbol": "AAPL", "interval": "1d", "condition": "crossing_down", "value": 200}


@pytest.mark.parametrize(
    ("adjustment", "fires"), [("raw", 1), ("splits", 0), ("all", 0), (None, 1)]
)
def test_a_preview_sees_no_fall_at_a_split_that_a_source_told(
    adjustment: str | None, fires: int
) -> None:
    client = Client(stored([*DAYS, day("2026-03-05", 103)], SPLIT))
    body = PREVIEW if adjustment is None else {**PREVIEW, "adjustment": adjustment}
    answer = send(client, "POST", "/rules/preview", body)
    assert (answer.status, len(answer.json["alerts"])) == (200, fires)


def test_a_preview_judges_bars_with_the_splits_up_to_their_session() -> None:
    """The close of 303 is above 301 on its day, though it is 101 in shares of today."""
    client = Client(stored([*DAYS, day("2026-03-05", 103)], SPLIT))
    body = {**PREVIEW, "condition": "crossing_up", "value": 301, "adjustment": "all"}
    (alert,) = send(client, "POST", "/rules/preview", body).json["alerts"]
    assert alert["price"] == 303


@pytest.mark.parametrize(("adjustment", "fires"), [("raw", 1), ("splits", 0), ("all", 0)])
def test_conditions_of_a_preview_and_its_backtest_read_adjusted_bars(
    adjustment: str, fires: int
) -> None:
    days = [*DAYS, day("2026-03-05", 103)]
    client = Client(stored(days, SPLIT, make_dividend("2026-03-03", 3, 300)))
    body = {
        "symbol": "AAPL", "interval": "1d", "when": "close < 0.5 * close[1]",
        "adjustment": adjustment, "backtest": True,
    }  # fmt: skip
    answer = send(client, "POST", "/rules/preview", body).json
    assert len(answer["alerts"]) == answer["backtest"]["fires"] == fires


def test_a_preview_on_ticks_takes_no_adjustment() -> None:
    services = FakeServices()
    fill(services, make_ticks(50))
    for value in ("splits", "halves", 3):
        body = {"symbol": "TEST", "condition": "crossing_up", "value": 100, "adjustment": value}
        refused = send(Client(services), "POST", "/rules/preview", body)
        assert (refused.status, refused.json["field"]) == (400, "adjustment")


def test_running_bars_are_of_today_and_stay_as_they_are() -> None:
    services = FakeServices()
    fill(services, make_ticks(90, "AAPL", source="alpaca", timezone="America/New_York"))
    services.stores.actions.record([make_split(to_text(NOW)[:10], "2:1")], NEVER)
    for interval in ("1m", "1h", "1d"):
        assert closes(services, "splits", interval=interval) == closes(
            services, None, interval=interval
        )
