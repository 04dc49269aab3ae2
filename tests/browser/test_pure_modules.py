"""The page's pure modules, run in the browser and held against TA-Lib and hand-worked answers."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import numpy as np
import pytest
import talib

from rigs.chart_reading import MINUS
from tests.browser.conftest import Call

CLOSES = [round(100 + random.Random(7).gauss(0, 1) * 3 + i * 0.05, 2) for i in range(150)]
WALK = list(np.round(100 + np.cumsum(np.random.default_rng(11).normal(0, 0.7, 150)), 2))


def same(ours: list[float | None], theirs: Any) -> bool:
    """Equal within rounding, with null exactly where TA-Lib has no value."""
    wanted = [None if np.isnan(value) else float(value) for value in theirs]
    return ours == [
        None if want is None else pytest.approx(want, rel=1e-9, abs=1e-9) for want in wanted
    ]


@pytest.mark.parametrize("closes", [CLOSES, WALK])
def test_averages_and_momentum_equal_ta_lib(call: Call, closes: list[float]) -> None:
    closes = [float(close) for close in closes]
    array = np.array(closes)
    module = "data/indicators.js"
    assert same(call(module, "sma", closes, 5), talib.SMA(array, 5))
    assert same(call(module, "sma", closes, 20), talib.SMA(array, 20))
    assert same(call(module, "ema", closes, 20), talib.EMA(array, 20))
    assert same(call(module, "rsi", closes, 14), talib.RSI(array, 14))


def test_macd_and_bands_equal_ta_lib(call: Call) -> None:
    closes = [float(close) for close in WALK]
    line, signal, histogram = talib.MACD(np.array(closes), 12, 26, 9)
    ours = call("data/indicators.js", "macd", closes, 12, 26, 9)
    assert same(ours["macd"], line)
    assert same(ours["signal"], signal)
    assert same(ours["histogram"], histogram)
    upper, middle, lower = talib.BBANDS(np.array(closes), 20, 2, 2)
    bands = call("data/indicators.js", "bollinger", closes, 20, 2)
    assert same(bands["upper"], upper)
    assert same(bands["middle"], middle)
    assert same(bands["lower"], lower)


def test_indicators_of_too_few_bars_are_unknown(call: Call) -> None:
    module = "data/indicators.js"
    assert call(module, "sma", [1, 2], 5) == [None, None]
    assert call(module, "ema", [1, 2], 5) == [None, None]
    assert call(module, "macd", [1, 2, 3], 12, 26, 9)["signal"] == [None, None, None]
    assert call(module, "rsi", [5] * 20, 14) == [None] * 20


def test_crosses_alternate_through_ties(call: Call) -> None:
    found = call(
        "data/indicators.js", "crosses", [None, 1, 2, 3, 3, 2, 2, 1], [9, 2, 2, 2, 3, 2, 2, 2]
    )
    assert found == [{"index": 3, "kind": "golden_cross"}, {"index": 7, "kind": "death_cross"}]


def bar(minute: int, close: float = 10, volume: float = 5) -> dict[str, Any]:
    """A flat bar at a minute."""
    return {
        "time": minute * 60_000,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": volume,
        "closed": True,
    }


def series(minutes: range) -> dict[str, Any]:
    """A series of flat bars."""
    return {
        "symbol": "ACME",
        "range": "1D",
        "interval": "1m",
        "zone": "UTC",
        "lead": [],
        "bars": [bar(m) for m in minutes],
        "first": 0,
    }


def test_merging_replaces_appends_and_drops_without_moving_indices(call: Call) -> None:
    merged = call(
        "data/series.js", "mergeBars", series(range(500)), [bar(499, 11), bar(500), bar(501)]
    )
    assert len(merged["bars"]) == 500
    assert merged["first"] == 2
    assert merged["bars"][497]["close"] == 11
    assert merged["bars"][-1]["time"] == 501 * 60_000


def test_late_correction_changes_a_bar_and_nothing_else(call: Call) -> None:
    merged = call("data/series.js", "mergeBars", series(range(10)), [bar(8, 12)])
    assert [one["close"] for one in merged["bars"]] == [10] * 8 + [12, 10]
    assert merged["first"] == 0


def test_a_regular_bar_and_an_extended_one_of_a_minute_stand_side_by_side(call: Call) -> None:
    row = {"timestamp": "2026-11-20T21:00:00Z", "open": 1, "high": 1, "low": 1, "close": 1}
    regular = call("data/wire.js", "decodeBar", row)
    extended = call("data/wire.js", "decodeBar", {**row, "close": 2, "extended": True})
    drawn = {**series(range(0)), "bars": [regular]}
    merged = call("data/series.js", "mergeBars", drawn, [regular, extended])
    assert [one["close"] for one in merged["bars"]] == [1, 2]
    assert merged["bars"][0]["time"] < merged["bars"][1]["time"] < regular["time"] + 60_000


def test_vwap_restarts_with_each_session(call: Call) -> None:
    script = [bar(0, 10, 1), bar(1, 20, 3), bar(1440, 30, 2)]
    drawn = {**series(range(0)), "bars": script}
    lines = call("data/indicator_table.js", "computeIndicators", drawn, ["vwap"])["lines"]
    assert lines["vwap"] == [10, 17.5, 30]


def test_averages_are_those_of_the_deployment(call: Call) -> None:
    drawn = {**series(range(0)), "bars": [bar(m, m) for m in range(1, 7)]}
    computed = call(
        "data/indicator_table.js", "computeIndicators", drawn, ["sma"], {"fast": 2, "slow": 3}
    )
    assert computed["lines"] == {
        "sma_2": [None, 1.5, 2.5, 3.5, 4.5, 5.5],
        "sma_3": [None, None, 2, 3, 4, 5],
    }
    quote = call("data/wire.js", "decodeQuote", {"symbol": "A", "sma_2": 1.5, "sma_3": None})
    assert quote["averages"] == {"2": 1.5}


def test_each_pane_has_its_own_axis_and_each_line_its_trace(call: Call) -> None:
    drawn = series(range(1, 60))
    wanted = ["macd", "rsi", "bollinger"]
    averages = {"fast": 5, "slow": 20}
    computed = call("data/indicator_table.js", "computeIndicators", drawn, wanted, averages)
    choices: dict[str, object] = {
        "type": "candles",
        "indicators": wanted,
        "averages": averages,
        "colors": {},
    }
    choices |= {"zone": "UTC", "zoom": None, "width": 800, "events": [], "preview": []}
    figure = call("chart/figure.js", "chartFigure", drawn, computed, choices)
    names = {trace["name"]: trace.get("yaxis", "y") for trace in figure["data"]}
    assert names["bbands_upper"] == names["bbands_lower"] == "y"
    assert names["rsi_14"] == "y3"
    assert names["macd"] == names["macd_signal"] == names["macd_histogram"] == "y4"
    axis = figure["layout"]["yaxis3"]
    assert (axis["range"], axis["ticktext"]) == ([0, 100], ["30", "70"])
    values = [
        v for name in ("macd", "macd_signal") for v in computed["lines"][name] if v is not None
    ]
    low, high = figure["layout"]["yaxis4"]["range"]
    assert low < min(0, *values) <= max(values) < high
    assert figure["layout"]["yaxis4"]["tickvals"]


def test_a_change_of_the_source_is_a_line_before_its_first_bar(call: Call) -> None:
    stamps = [f"2026-11-20T15:{30 + n}:00.000000Z" for n in range(4)]
    rows = [
        {"timestamp": stamp, "open": 1, "high": 1, "low": 1, "close": 1, "closed": True}
        for stamp in stamps
    ]
    sources = [
        {"timestamp": stamps[0], "source": "yfinance"},
        {"timestamp": stamps[2], "source": "alpaca"},
    ]
    bars = call("data/wire.js", "decodeBars", {"prices": rows[::-1], "sources": sources})[::-1]
    assert [bar.get("source") for bar in bars] == [None, None, "alpaca", None]
    newer = call("data/wire.js", "decodeBars", {"prices": [{**rows[2], "close": 2}]})
    drawn = call("data/series.js", "mergeBars", {**series(range(0)), "bars": bars}, newer)
    choices: dict[str, object] = {"type": "candles", "indicators": [], "colors": {}}
    choices |= {"averages": {"fast": 5, "slow": 20}, "zone": "UTC", "zoom": None, "width": 800}
    choices |= {"events": [], "preview": []}
    computed: dict[str, object] = {"lines": {}, "crosses": []}
    figure = call("chart/figure.js", "chartFigure", {**drawn, "first": 10}, computed, choices)
    (line,) = figure["layout"]["shapes"]
    assert (line["x0"], line["x1"], line["label"]["text"]) == (11.5, 11.5, "alpaca")


def test_axis_labels_stand_at_round_times_and_days(call: Call) -> None:
    times = [m * 300_000 for m in range(288 * 2)]
    ticks = call("chart/axis.js", "axisTicks", times, 100, [99.5, 676], 10, "UTC", False)
    assert 4 <= len(ticks) <= 10
    assert [tick["index"] for tick in ticks if tick["label"] == "2 Jan"] == [100 + 288]
    assert {tick["label"] for tick in ticks} <= {"06:00", "12:00", "18:00", "2 Jan"}


def test_axis_labels_follow_the_exchanges_clock(call: Call) -> None:
    opens = 1_795_185_000_000  # 2026-11-20T14:30Z, 09:30 in New York
    times = [opens + m * 60_000 for m in range(60)]
    ticks = call("chart/axis.js", "axisTicks", times, 0, [0, 59], 6, "America/New_York", False)
    assert [tick["label"] for tick in ticks][:2] == ["09:40", "09:50"]


@pytest.mark.parametrize(
    ("axis", "most", "ticks"),
    [
        ([111.6, 119.3], 9, [112, 113, 114, 115, 116, 117, 118, 119]),
        ([0, 1050], 3, [0, 500, 1000]),
        ([-0.57, 0.64], 4, [-0.5, 0, 0.5]),
        ([0.0101, 0.0117], 9, [n / 10_000 for n in range(102, 118, 2)]),
    ],
)
def test_values_are_labelled_at_round_places(
    call: Call, axis: list[float], most: int, ticks: list[float]
) -> None:
    assert call("chart/axis.js", "valueTicks", axis, most) == [
        pytest.approx(tick) for tick in ticks
    ]


def test_price_range_holds_all_visible_bars_with_a_margin(call: Call) -> None:
    low, high = call(
        "chart/axis.js", "priceRange", [{"low": 10, "high": 12}, {"low": 9, "high": 11}]
    )
    assert (low, high) == (pytest.approx(8.82), pytest.approx(12.18))
    assert call("chart/axis.js", "priceRange", []) == [0, 1]


def test_comparison_starts_where_all_have_a_price(call: Call) -> None:
    one = {"symbol": "A", "bars": [bar(0, 50), bar(1, 100), bar(2, 110)]}
    two = {"symbol": "B", "bars": [bar(1, 20), bar(3, 30)]}
    aligned = call("data/compare.js", "alignPercent", [one, two])
    assert aligned["times"] == [60_000, 120_000, 180_000]
    assert aligned["lines"][0]["values"] == [0, pytest.approx(10), None]
    assert aligned["lines"][1]["values"] == [0, None, pytest.approx(50)]


def test_years_go_from_their_first_open_to_their_last_close(call: Call) -> None:
    day = 1440
    bars = [{**bar(0, 10), "open": 8}, bar(200 * day, 12), {**bar(400 * day, 6), "open": 12}]
    years = dict(call("data/compare.js", "byYear", bars))
    assert years[1970]["change"] == pytest.approx(50)
    assert years[1971]["change"] == pytest.approx(-50)


def test_link_restores_the_view_and_ignores_nonsense(call: Call) -> None:
    base = {
        "page": "chart",
        "symbol": "",
        "range": "1D",
        "interval": "auto",
        "start": "",
        "end": "",
        "type": "candles",
        "indicators": ["volume", "sma"],
        "clock": "exchange",
        "compare": [],
        "drawings": [],
        "desk": [],
        "linked": "none",
        "from": 0,
        "to": 0,
    }
    view = {
        **base,
        "symbol": "BTC-USD",
        "range": "custom",
        "start": "2026-01-02",
        "end": "2026-02-03",
        "indicators": ["rsi"],
        "compare": ["EURUSD=X"],
        "drawings": ["^GSPC*1795185000*4000.25*1795192200*4100", "BTC-USD*1*2*3*0.00004"],
        "desk": ["ETH-USD*5D*1h", "^GSPC*Max*auto", "ETH-USD*5D*1h"],
        "linked": "time",
        "from": 5,
        "to": 9,
        "type": "line",
        "clock": "local",
    }
    assert call("url.js", "readView", call("url.js", "writeView", view, base), base) == view
    nonsense = "#symbol=<b>&range=7Q&interval=2m&type=pie&show=evil"
    nonsense += "&desk=A*1D,<b>*1D*auto,A*7Q*auto,A*constructor*auto,A*1D*2m,A*1D*auto*x,&link=all"
    nonsense += "&start=2026-01-02&end=2025-01-01&from=9&to=1&draw=A*1*2*3,A*1*-2*3*4,<b>*1*2*3*4"
    assert call("url.js", "readView", nonsense, base) == {**base, "indicators": []}


def test_link_has_at_most_three_charts_beside_the_main_one(call: Call) -> None:
    base: dict[str, Any] = {"desk": [], "compare": []}
    read = call("url.js", "readView", f"#desk={','.join(['A*1D*auto'] * 70_000)}", base)
    assert read == {**base, "desk": ["A*1D*auto"] * 3}
    kept = {"desk": ["<b>*1Y*1d", "A*1Y*1d"], "linked": ["time"]}
    recalled = call("url.js", "recalledView", kept, {**base, "linked": "none"})
    assert recalled == {**base, "desk": ["A*1Y*1d"], "linked": "time"}


@pytest.mark.parametrize("alert", [".", "..", "a" * 23, "a" * 25, "A" * 24, "a" * 70_000, "a/b"])
def test_a_link_to_an_alert_has_an_alerts_id(call: Call, alert: str) -> None:
    base = {"alert": ""}
    assert call("url.js", "readView", f"#alert={alert}", base) == base
    good = "0123456789abcdef01234567"
    assert call("url.js", "readView", f"#alert={good}", base) == {"alert": good}


NOW = 1_795_000_000


def mute_link(*said: object) -> str:
    raw = bytes(16) + json.dumps(said).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_link_that_mutes_shows_a_symbol_or_the_id_of_a_rule(call: Call) -> None:
    def read(*said: object) -> Any:
        return call("mute_requests.js", "readLink", mute_link(*said), NOW * 1000)

    until = {"until": (NOW + 60) * 1000}
    assert read("BTC-USD", None, NOW + 60, NOW) == {"symbol": "BTC-USD", "rule_id": None, **until}
    assert read(None, "mine_1", NOW + 60, NOW) == {"symbol": None, "rule_id": "mine_1", **until}
    month = 31 * 86_400
    assert read("AAPL", None, NOW + month, NOW) is not None


@pytest.mark.parametrize(
    "said",
    [
        ("AAPL. Your token has expired: https://evil.example", None, NOW + 60, NOW),
        (None, "AAPL until you call", NOW + 60, NOW),
        ("AAPL", "mine", NOW + 60, NOW),
        ("AAPL", {}, NOW + 60, NOW),
        (["AAPL"], None, NOW + 60, NOW),
        (None, None, NOW + 60, NOW),
        ("AAPL", None, NOW + 31 * 86_400 + 1, NOW),
        ("AAPL", None, 2**53 - 1, NOW),
        ("AAPL", None, -1, NOW),
        ("AAPL", None, "soon", NOW),
        ("AAPL",),
    ],
)
def test_a_link_that_mutes_and_says_something_else_is_damaged(
    call: Call, said: tuple[object, ...]
) -> None:
    assert call("mute_requests.js", "readLink", mute_link(*said), NOW * 1000) is None


def test_a_link_or_what_was_kept_of_one_shows_each_thing_once(call: Call) -> None:
    base: dict[str, Any] = {"page": "chart", "range": "1D", "interval": "auto"}
    base |= {
        "type": "candles",
        "clock": "utc",
        "symbol": "",
        "start": "",
        "end": "",
        "from": 0,
        "to": 0,
        "compare": [],
    }
    base |= {"indicators": ["sma"]}
    many = ["rsi", "constructor", "macd"] * 20_000
    link = f"#show={','.join(many)}&with={','.join(['A', 'B'] * 20_000)}&range=constructor"
    expected = {**base, "indicators": ["rsi", "macd"]}
    assert call("url.js", "readView", link, base) == {**expected, "compare": ["A", "B"]}
    kept = {"indicators": many, "clock": ["local"], "type": {"a": 1}, "symbol": "<b>"}
    assert call("url.js", "recalledView", kept, base) == {**expected, "clock": "local"}
    unprintable = {"symbol": {"toString": 1, "valueOf": 1}}
    for junk in (None, 7, "text", [1, 2], unprintable, {"compare": [["A"]], "symbol": [["A"]]}):
        assert call("url.js", "recalledView", junk, base) == base


def test_order_and_theme_kept_by_the_browser_may_be_anything(call: Call) -> None:
    own = {"by": "own", "down": False}
    for junk in (None, 7, "text", [1, 2], {}, {"by": "constructor", "down": "yes"}):
        assert call("data/sorting.js", "knownOrder", junk) == own
        assert call("theme.js", "knownTheme", junk) == "auto"
    kept = {"by": "price", "down": True}
    assert call("data/sorting.js", "knownOrder", kept) == kept
    assert call("theme.js", "knownTheme", "dark") == "dark"


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [
        ("0000-00-00", "2026-01-01", False),
        ("0001-01-01", "2026-01-01", False),
        ("2026-02-31", "2026-03-01", False),
        ("2026-13-01", "2026-14-01", False),
        ("2026-01-01", "9999-12-31", False),
        ("0002-01-01", "9998-12-30", True),
        ("0002-01-01", "9998-12-31", False),  # the API takes no end after it
        ("2024-02-29", "2024-02-29", True),
    ],
)
def test_only_dates_that_there_are_make_a_range(
    call: Call, start: str, end: str, taken: bool
) -> None:
    base = {"range": "1D", "start": "", "end": "", "from": 0, "to": 0}
    read = call("url.js", "readView", f"#start={start}&end={end}", base)
    assert (read["range"] == "custom") is taken


def test_numbers_and_ages_are_written_as_readers_expect(call: Call) -> None:
    module = "format.js"
    assert call(module, "formatPrice", 1234.5) == "1,234.50"
    assert call(module, "formatPrice", 0.12345) == "0.1235"
    assert call(module, "formatPrice", None) == "\N{EN DASH}"
    assert call(module, "formatSigned", -1.005) in (f"{MINUS}1.00", f"{MINUS}1.01")
    assert call(module, "formatSigned", 0.001) == "0.00"
    assert call(module, "formatPercent", 2.5) == "+2.50%"
    assert [call(module, "formatVolume", v) for v in (999, 1500, 45_100, 123_456_789)] == [
        "999",
        "1.50K",
        "45.1K",
        "123M",
    ]
    assert [call(module, "formatAge", s) for s in (4, 180, 7200, 432_000)] == [
        "4 s",
        "3 min",
        "2 h",
        "5 d",
    ]


def test_list_is_ordered_with_unknown_prices_last(call: Call) -> None:
    listed = [{"symbol": s} for s in ("B", "A", "C")]
    quotes = {
        "$map": [["A", {"price": 5, "changePercent": -1}], ["B", {"price": 9, "changePercent": 2}]]
    }

    def order(by: str, *, down: bool = False, search: str = "") -> list[str]:
        rows = call("data/sorting.js", "arrange", listed, quotes, {"by": by, "down": down}, search)
        return [row["symbol"] for row in rows]

    assert order("own") == ["B", "A", "C"]
    assert order("symbol") == ["A", "B", "C"]
    assert order("price", down=True) == ["B", "A", "C"]
    assert order("change") == ["A", "B", "C"]
    assert order("own", search="a") == ["A"]


WAITING = "data/waiting.js"


def test_api_that_answers_with_errors_is_asked_ever_less_up_to_half_a_minute(call: Call) -> None:
    assert [call(WAITING, "backoff", n, 2, True) for n in (1, 2, 3, 9)] == [2, 4, 8, 30]


def test_api_that_is_not_there_is_asked_at_the_pace_of_prices_and_then_each_5_s(call: Call) -> None:
    assert [call(WAITING, "backoff", n, 2, False) for n in (1, 29, 30, 900)] == [2, 2, 5, 5]
    assert call(WAITING, "backoff", 900, 15, False) == 15


def test_empty_page_asks_twice_as_often_for_a_minute(call: Call) -> None:
    assert [call(WAITING, "pace", 2, waited) for waited in (0, 0.1, 59, 60)] == [2, 1, 1, 2]


def producer(state: str, progress: float | None = None, **fields: Any) -> dict[str, Any]:
    told = {"source": "simulator", "state": state, "progress": progress}
    return {**told, "ageSeconds": 1, "problem": "", **fields}


STARTS = "No producer has reported here. Start one with “make run” or “python -m producer”."
SOON = "The chart appears as soon as the first price is stored."


@pytest.mark.parametrize(
    ("facts", "title", "detail"),
    [
        ({}, "Waiting for the first prices", SOON),
        (
            {"producer": producer("sending history", 0.409)},
            "The simulator is sending history: 40%",
            SOON,
        ),
        (
            {"producer": producer("sending history", 0.5, source="files")},
            "The producer is sending history: 50%",
            SOON,
        ),
        ({"producer": producer("starting")}, "The producer is starting", SOON),
        (
            {"producer": producer("fetching history", 0.1, source="coinbase")},
            "The producer is fetching history: 10%",
            SOON,
        ),
        (
            {"producer": producer("asking Coinbase")},
            "The producer is requesting prices from Coinbase",
            SOON,
        ),
        (
            {"producer": producer("no prices from Yahoo", problem="AAPL: no network")},
            "The producer says: no prices from Yahoo",
            "AAPL: no network",
        ),
        ({"symbol": "BOLT", "producer": producer("live")}, "No prices of BOLT yet", SOON),
        (
            {"symbol": "BOLT", "isListed": False, "waited": 500},
            "No prices of BOLT",
            "BOLT is not on the list: choose another symbol, or follow it with “+”.",
        ),
        (
            {"symbol": "BOLT", "isCustom": True, "waited": 500},
            "No prices of BOLT in this range",
            "Choose other days, or a range that ends now.",
        ),
        ({"waited": 59}, "Waiting for the first prices", SOON),
        ({"waited": 59, "producer": producer("ended")}, "Waiting for the first prices", SOON),
        (
            {"waited": 60},
            "No prices have arrived yet",
            STARTS,
        ),
        (
            {"waited": 60, "producer": producer("ended", problem="no stream of that name")},
            "The producer has ended",
            "no stream of that name",
        ),
        (
            {"waited": 60, "producer": producer("sending history", 0.4, ageSeconds=200)},
            "The producer has not reported for 3 minutes",
            "Start it again to get prices.",
        ),
    ],
)
def test_empty_page_says_what_happens_and_accuses_nobody_for_a_minute(
    call: Call, facts: dict[str, Any], title: str, detail: str
) -> None:
    usual = {"symbol": "", "isListed": True, "isCustom": False, "producer": None, "waited": 1}
    words = call(WAITING, "waitingWords", {**usual, **facts})
    assert (words["title"], words["detail"]) == (title, detail)


def test_a_collector_that_reports_each_minute_is_not_taken_for_silent(call: Call) -> None:
    facts = {"symbol": "", "isListed": True, "isCustom": False, "waited": 500}
    told = producer("no symbols are tracked", ageSeconds=65)
    words = call(WAITING, "waitingWords", {**facts, "producer": told})
    assert words["title"] == "The producer says: no symbols are tracked"


def test_instant_in_the_producers_state_is_written_for_the_reader(call: Call) -> None:
    state = "market closed until 2026-11-23T14:30:00.000000Z"
    facts = {"symbol": "", "isListed": True, "isCustom": False, "waited": 1}
    words = call(WAITING, "waitingWords", {**facts, "producer": producer(state)})
    assert words["title"].startswith("The producer says: market closed until Mon 23 Nov ")


def test_history_goes_before_the_drawn_bars_and_both_keep_their_places(call: Call) -> None:
    def bars(*times: int) -> list[dict[str, Any]]:
        values = {"open": 1, "high": 1, "low": 1, "close": 1, "volume": 1, "closed": True}
        return [{"time": time, **values} for time in times]

    def series(first: int, *times: int) -> dict[str, Any]:
        made = {"symbol": "A", "range": "1D", "interval": "1m", "lead": [], "truncated": False}
        return {**made, "first": first, "bars": bars(*times)}

    drawn = series(3, 50, 60)
    grown = call("data/series.js", "withHistory", drawn, series(0, 30, 40, 50, 60, 70))
    assert (grown["first"], [bar["time"] for bar in grown["bars"]]) == (1, [30, 40, 50, 60, 70])
    same = call("data/series.js", "withHistory", drawn, series(0, 60, 70))
    assert (same["first"], [bar["time"] for bar in same["bars"]]) == (3, [50, 60, 70])


def test_alert_is_named_with_its_rules_numbers(call: Call) -> None:
    def text(condition: str, **values: float) -> str:
        named = call("data/conditions.js", "alertText", {"condition": condition, "values": values})
        return str(named)

    assert text("change_percent", value=5, change_percent=7.9208) == "Change of the day above 5%"
    assert text("crossing_up", value=101.5, sma_5=1, sma_20=2) == "Price crosses upward 101.50"
    assert text("golden_cross", sma_20=2, sma_5=1, change=3) == "Golden cross 5/20"
    assert text("greater_than") == "Price above"  # recorded without its figures
    moved = {"condition": "change_percent", "values": {"value": 5, "change_percent": -7.9208}}
    assert call("data/conditions.js", "movedText", moved) == f"{MINUS}7.92%"


def test_three_alerts_of_one_kind_share_a_line_at_the_place_of_the_newest(call: Call) -> None:
    def fired(number: int, symbol: str, condition: str = "golden_cross") -> dict[str, Any]:
        return {"id": str(number), "symbol": symbol, "condition": condition, "values": {}}

    listed = [fired(7, "B"), fired(6, "A"), fired(5, "B"), fired(4, "A", "death_cross")]
    listed += [fired(3, "A"), fired(2, "A")]
    lines = call("data/fired.js", "collapse", listed)
    assert [[one["id"] for one in line["alerts"]] for line in lines] == [
        ["7"],
        ["6", "3", "2"],
        ["5"],
        ["4"],
    ]
    assert len({line["key"] for line in lines}) == 4


def test_line_of_a_new_rule_moves_by_round_steps_and_stays_in_view(call: Call) -> None:
    def moved(price: float, key: str) -> float | None:
        at: float | None = call("chart/price_steps.js", "movedPrice", price, key, [90, 110.4], 2)
        return at

    module = "chart/price_steps.js"
    assert [call(module, "stepOf", span, 2) for span in (0.2, 1.8, 20.4, 900)] == [
        0.01,
        0.02,
        0.5,
        10,
    ]
    assert call(module, "stepOf", 0.02, 4) == pytest.approx(0.0002)
    assert moved(100.13, "ArrowUp") == 100.5
    assert moved(100.5, "ArrowDown") == 100
    assert moved(100, "PageUp") == 105
    assert moved(109, "PageUp") == 110.4
    assert moved(100, "Home") == 90
    assert moved(100, "End") == 110.4
    assert moved(100, "Tab") is None


def test_names_of_close_lines_stand_side_by_side_while_there_is_room(call: Call) -> None:
    module = "chart/price_steps.js"
    assert call(module, "areClose", [10, 40, 25]) is True
    assert call(module, "areClose", [10, 40, 70]) is False
    widths = [100, 50, 80, 60]
    assert call(module, "nameLefts", [10, 40, 20, 35], widths, 800) == [6, 6, 112, 198]
    assert call(module, "nameLefts", [10, 12], [100, 100], 150) == [6, 50]
    assert call(module, "nameLefts", [10], [400], 300) == [6]


def test_a_measurement_is_of_bars_and_prices_and_survives_the_link(call: Call) -> None:
    module = "chart/measured.js"
    drawn = {**series(range(1, 60)), "symbol": "ABC", "first": 100}
    ends = [{"index": 103, "price": 50}, {"index": 110, "price": 51.25}]
    text = call(module, "written", drawn, ends)
    times = [drawn["bars"][i]["time"] // 1000 for i in (3, 10)]
    assert text == f"ABC*{times[0]}*50*{times[1]}*51.25"
    assert call(module, "endsOf", drawn, text) == ends
    later = {**drawn, "bars": drawn["bars"][5:]}
    assert call(module, "endsOf", later, text) is None
    assert (call(module, "isOf", text, "ABC"), call(module, "isOf", text, "AB")) == (True, False)
    assert call(module, "measuredText", ends, 2) == "+1.25 (+2.50%), 7 bars"
    back = [{"index": 5, "price": 100}, {"index": 4, "price": 99}]
    assert call(module, "measuredText", back, 2) == f"{MINUS}1.00 ({MINUS}1.00%), 1 bar"


def test_a_line_has_its_rules_text_and_the_id_that_was_chosen(call: Call) -> None:
    rule = {
        "rule_id": "0123456789abcdef",
        "condition": "greater_than",
        "value": 9,
        "interval": "5m",
    }
    assert call("data/conditions.js", "lineText", rule) == "Above 9.00 on 5m bars"
    named = {**rule, "rule_id": "breakout", "interval": "tick"}
    assert call("data/conditions.js", "lineText", named) == "breakout: above 9.00"
    others: list[dict[str, object]] = [
        {"symbol": "B"},
        {"enabled": False},
        {"condition": "change_percent"},
        {"condition": "when", "value": None},
    ]
    mine = {**rule, "symbol": "A", "enabled": True}
    above = {**mine, "value": 10}
    rules = [mine, above, *({**mine, **other} for other in others)]
    assert call("data/conditions.js", "lineRules", rules, "A") == [above, mine]


@pytest.mark.parametrize(
    ("price", "last", "condition"),
    [(10, 9, "crossing_up"), (8, 9, "crossing_down"), (9, 9, "crossing"), (9, None, "crossing")],
)
def test_rule_of_a_price_fires_once_the_last_price_has_come_there(
    call: Call, price: float, last: float | None, condition: str
) -> None:
    made = call("data/conditions.js", "ruleAtPrice", "A", price, last)
    assert made == {"symbol": "A", "condition": condition, "value": price}


def test_distance_to_a_rule_is_said_in_the_rules_own_terms(call: Call) -> None:
    quote = {"price": 100, "changePercent": -3, "averages": {"5": 101, "20": 100}}
    rule = {"condition": "crossing_up", "value": 110, "fast": None, "slow": None}
    rule = {**rule, "interval": "tick"}
    module = "data/conditions.js"
    assert call(module, "distanceText", rule, quote) == "+10.00% away"
    assert call(module, "distanceText", {**rule, "condition": "less_than"}, quote) == "holds now"
    assert (
        call(module, "distanceText", {**rule, "condition": "change_percent", "value": 5}, quote)
        == "2.00 points away"
    )
    golden = {**rule, "condition": "golden_cross", "value": None, "fast": 5, "slow": 20}
    assert call(module, "distanceText", golden, quote) == "averages +1.00% apart"
    assert call(module, "distanceText", {**golden, "interval": "5m"}, quote) == ""
    assert call(module, "ruleText", golden) == "Golden cross 5/20"
    formula = golden | {"condition": "when", "when": "rsi(14) < 30"}
    assert call(module, "ruleText", formula) == "rsi(14) < 30"


def test_an_alert_says_what_it_was_judged_on_and_why_it_was_not_sent(call: Call) -> None:
    module, alert = (
        "data/conditions.js",
        {"condition": "golden_cross", "values": {"sma_5": 2, "sma_20": 1}},
    )
    assert call(module, "alertText", {**alert, "interval": "tick"}) == "Golden cross 5/20"
    assert call(module, "alertText", {**alert, "interval": "5m"}) == "Golden cross 5/20 on 5m bars"
    outcomes = [("2026-11-20T15:30:00Z", ""), (None, ""), (None, "record only"), (None, "old")]
    texts = [
        call(module, "deliveryText", {"notifiedAt": at, "quiet": why, "held": []})
        for at, why in outcomes
    ]
    assert texts == ["delivered", "not delivered", "recorded only", "not sent: old"]
