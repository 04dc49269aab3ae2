"""The pure modules of the editor of formulas: completion, trees, faults, and previews in words."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Error

from chalicelib.api.openapi import openapi_document
from tests.browser.conftest import Call

WORDS, TREES, FAULTS, PREVIEWED = (
    f"data/{name}.js" for name in ("formula_words", "tree_words", "faults", "previewed")
)
INTERVALS = ["1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"]


@cache
def document() -> dict[str, Any]:
    """Return the document from which the page learns the values."""
    return openapi_document("1", fast=5, slow=20, closed=False)


@cache
def words(call: Call) -> Any:
    """Return the words of conditions for a watch-list of three symbols. To hand over the document
    takes longer than all else here."""
    return call(WORDS, "wordsOf", document(), ["AAPL", "BRK-B", "SPY"])


def completed(call: Call, module: str, name: str, marked: str) -> Any:
    """Return what is offered at the `|` of a text."""
    text = marked.replace("|", "")
    return call(module, name, words(call), text, marked.index("|"))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("rsi|", ["rsi(14)"]),
        ("close > s|", ["sma(window)"]),
        ("boll|", ["bb_upper(20, 2)", "bb_middle(20, 2)", "bb_lower(20, 2)"]),
        ("rsi(14) < 30 and no|", ["not"]),
        ("not|", []),
        ("close cr|", ["crosses above", "crosses below"]),
        ("close crosses |", ["above", "below"]),
        ("close above su|", []),
        ("close > highest(l|", ["low"]),
        ("close > highest(20, l|", []),
        ("close > sma(50, 1|", ["1m", "15m", "1h", "1d", "1wk", "1mo"]),
        ("close > sma(50, 1d|) and 3", []),
        ("day_change(S|", ["SPY"]),
        ('day_change("br|")', ["BRK-B"]),
        ('day_change("SPY"|', []),
        ("sma(50 1|", []),
        ("rsi < 30 for 3 b|", ["bars"]),
        ("rsi < 30 for |", []),
        ("close[|", []),
        ("close enters 30 t|", ["to"]),
        ("close enters 30 to 70 an|", ["and"]),
        ("macd_s|", ["macd_signal(12, 26, 9)"]),
    ],
)
def test_words_that_may_follow_are_offered(call: Call, text: str, labels: list[str]) -> None:
    found = completed(call, WORDS, "completionsAt", text)
    assert [one["label"] for one in found["options"]] == labels


def test_values_are_completed_with_a_place_for_their_number(call: Call) -> None:
    def first(text: str) -> Any:
        return completed(call, WORDS, "completionsAt", text)["options"][0]

    assert (first("rsi|")["insert"], first("rsi|")["select"]) == ("rsi(14)", [4, 6])
    assert (first("sm|")["insert"], first("sm|")["select"]) == ("sma()", [4, 4])
    assert (first("mea|")["insert"], first("mea|")["select"]) == ("mean(volume, )", [13, 13])
    assert first("bb_w|")["insert"] == "bb_width"
    quoted = completed(call, WORDS, "completionsAt", 'close("br|") > 3')
    assert (quoted["from"], quoted["to"]) == (6, 10)
    assert quoted["options"][0]["insert"] == '"BRK-B"'


def test_the_value_at_the_cursor_is_explained(call: Call) -> None:
    def hint(text: str) -> str:
        return str(completed(call, WORDS, "hintAt", text))

    assert hint("rsi(1|4) < 30") == (
        "rsi(window 14, interval, symbol): The relative strength index."
    )
    assert hint("clo|se > 3").startswith("close(interval, symbol): The close of the bar;")
    assert hint("mean(volume, |").startswith("mean(price, window, interval, symbol): ")
    assert hint("rsi(14) < 3|0") == ""
    assert call(WORDS, "wordsOf", {}, []) == {"values": [], "intervals": [], "symbols": []}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{"op": "cr|"', ["crosses_above", "crosses_below"]),
        ('{"value": "macd_|"}', ["macd_signal", "macd_histogram"]),
        ('{"value": "sma", "interval": "|', INTERVALS),
        ('{"value": "highest", "of": "h|', ["high"]),
        ('{"op": "not", "o|', ["op", "of"]),
        ('{"op": "all", |', []),
        ('{"none": "a|', []),
    ],
)
def test_texts_of_a_tree_are_completed(call: Call, text: str, labels: list[str]) -> None:
    found = completed(call, TREES, "treeCompletionsAt", text)
    assert [one["label"] for one in found["options"]] == labels


TREE = {
    "op": "all",
    "of": [
        {"op": "below", "left": {"value": "rsi", "window": 14}, "right": 30},
        {"op": "above", "left": {"value": "close"}, "right": {"value": "sma", "window": 200}},
    ],
}


def test_a_tree_is_written_in_short_lines_and_read_again(call: Call) -> None:
    text = call(TREES, "treeText", TREE)
    assert text.splitlines()[:3] == ["{", '  "op": "all",', '  "of": [']
    assert '      "left": {"value": "rsi", "window": 14},' in text
    assert call(TREES, "readTree", text)["tree"] == TREE
    assert call(TREES, "treeText", []) == "[]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the end is not allowed; allowed: a number"),
        ('{"op": "not"', 'the end is not allowed; allowed: a comma or "}"'),
        ('{"op" "not"}', "allowed: a colon"),
        ('{"op": nott}', "'nott' is not allowed"),
        ("{op: 1}", "'op' is not allowed; allowed: a name in double quotes"),
        ("[1 2]", "'2' is not allowed"),
        ("1 2", "'2' is not allowed; allowed: the end"),
        ('{"op": "no', "is not allowed"),
        ("[" * 5000, "at most 40 levels"),
    ],
)
def test_a_tree_that_is_not_json_is_refused(call: Call, text: str, said: str) -> None:
    with pytest.raises(Error, match=said.replace("}", r"\}").replace("{", r"\{")):
        call(TREES, "readTree", text)


def test_a_fault_has_the_place_that_the_api_names(call: Call) -> None:
    def fault(field: str, detail: str, text: str, form: str = "text") -> Any:
        refused = {"message": detail, "fields": [{"field": field, "detail": detail, "value": ""}]}
        return call(FAULTS, "faultOf", refused, text, form)

    said = "when, column 9: 'highst' is not allowed; allowed: highest? One of close, open"
    assert fault("when", said, "close > highst(20)") == {
        "message": "Column 9: 'highst' is not allowed; did you mean highest?",
        "at": 8,
    }
    second = fault("when", "when, column 9: it\nis wrong", "rsi > 3\nor 4")
    assert second == {"message": "Line 2, column 1: it\nis wrong", "at": 8}
    whole = "needs 400 days of 1m bars"
    assert fault("when", whole, "close > 3") == {"message": whole, "at": None}
    assert fault("symbol", "symbol: none", "close > 3") is None
    tree = '{"op": "above",\n "left": {"value": "smaa"}, "right": 3}'
    found = fault("when.left.value", "when.left.value: 'smaa' is not allowed", tree, "tree")
    assert found["message"].startswith("Line 2, column 20: when.left.value: 'smaa'")
    assert tree[found["at"] :].startswith('"smaa"')
    missing = fault("when.left.window", "when.left.window: None", tree, "tree")
    assert tree[missing["at"] :].startswith('{"value"')
    assert call(FAULTS, "faultOf", None, tree, "tree") is None


def spread(count: int = 3) -> dict[str, Any]:
    """Return a spread of returns."""
    return {
        "count": count,
        "mean": 1.5,
        "median": 1,
        "deviation": 2,
        "lowest": -2,
        "highest": 4,
        "share_above_zero": 0.5,
    }


def test_a_preview_says_how_often_a_rule_fired_and_what_followed(call: Call) -> None:
    fired = {"times": [0, 86_400_000], "judged": 9, "unknown": 4, "complete": False}
    assert call(PREVIEWED, "firesText", fired, "5Y") == (
        "It would have fired 2 times in 5 years, the last on 2 Jan 1970. "
        "Its condition was unknown at 4 of 9 prices. Not all of the range was tried."
    )
    once = fired | {"times": [0], "unknown": 0, "complete": True}
    assert call(PREVIEWED, "firesText", once, "1D", "once") == (
        "It would have fired 1 time in 1 day, the last on 1 Jan 1970. "
        "It ends after its first alert."
    )
    never = {"times": [], "judged": 9, "unknown": 9, "complete": True}
    assert call(PREVIEWED, "firesText", never, "Max") == (
        "It would not have fired in all stored data. "
        "Its condition was never known: too few bars are stored."
    )
    assert "no prices in 1 day" in call(PREVIEWED, "firesText", never | {"judged": 0}, "1D")
    first = fired | {"until": "2026-11-20T15:00:00.000000Z", "next": "token"}
    both = call(PREVIEWED, "joined", first, once | {"times": [9], "next": None})
    assert (both["times"], both["judged"], both["unknown"]) == ([0, 86_400_000, 9], 18, 4)
    assert (both["complete"], both["next"], both["from"]) == (True, None, first["until"])
    after = [{"bars": 1, "returns": spread()}, {"bars": 5, "returns": spread(0)}]
    traded = {"return_percent": 12.5, "drawdown_percent": 3, "trades": 1}
    costs = {"hold_bars": 20, "fee_percent": 0.1, "slippage_percent": 0.05}
    tried = {"after": after, "best": spread(), "worst": spread(), "rule": traded, "hold": traded}
    said = call(PREVIEWED, "returnsText", tried).replace("\u2212", "-")
    assert said == "After 1 bar: +1.50% on average, from -2.00% to +4.00%."
    assert call(PREVIEWED, "returnsText", {"after": after[1:]}) == ""
    rows = [one["name"] for one in call(PREVIEWED, "spreadsOf", tried)]
    assert rows == ["After 1 bar", "Best until the next", "Worst until the next"]
    text = call(PREVIEWED, "tradingText", tried | {"costs": costs})
    assert "sold 20 bars later: +12.50%, maximum drawdown 3.0%, 1 trade." in text
    assert text.endswith("Fee 0.1% and slippage 0.05% of each price.")


def test_a_curve_fits_its_drawing_with_the_fires_on_the_line_of_holding(call: Call) -> None:
    points = [
        {"timestamp": f"2026-11-0{day}T00:00:00.000000Z", "rule": rule, "hold": hold}
        for day, rule, hold in ((2, 1, 1), (3, 1, 2), (4, 1.5, 0.5))
    ]
    fires = [fire_on(day) for day in (1, 3, 3)]
    drawn = call(PREVIEWED, "curvePaths", points, fires, 100, 30)
    assert drawn["hold"] == "M0 20L50 0L100 30"
    assert drawn["rule"] == "M0 20L50 20L100 10"
    assert drawn["fires"] == "M50 0h0"
    assert (drawn["one"], drawn["low"], drawn["high"]) == (20, 0.5, 2)


def fire_on(day: int) -> int:
    """Return the milliseconds of a fire at 21:00 on a day of November 2026."""
    return 1_793_491_200_000 + (day - 1) * 86_400_000 + 21 * 3_600_000


@pytest.mark.parametrize(
    ("interval", "shown", "range_"),
    [("1d", "1D", "5Y"), ("1d", "Max", "Max"), ("tick", "5D", "5D"), ("1m", "custom", "5D")],
)
def test_the_range_of_a_preview_suits_the_interval(
    call: Call, interval: str, shown: str, range_: str
) -> None:
    assert call(PREVIEWED, "previewRange", interval, shown) == range_
