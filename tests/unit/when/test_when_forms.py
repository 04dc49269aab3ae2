"""The text form and the JSON form of `when`: round trips, and refusals that point at the place."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chalicelib.api.openapi_when_schemas import WHEN
from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import MAX_WINDOW, parse_rule
from chalicelib.domain.when.errors import WhenError
from chalicelib.domain.when.json_form import read_json, to_json
from chalicelib.domain.when.nodes import MAX_DEPTH
from chalicelib.domain.when.reading import read_text
from chalicelib.domain.when.writing import to_text
from tests.when_trees import Trees
from tests.work import counted_calls

EXAMPLE = "rsi(14) < 30 and close > sma(200, 1d) and volume > 2 * mean(volume, 20)"
SCHEMA = {"$ref": "#/components/schemas/When", "components": {"schemas": WHEN}}


@pytest.mark.parametrize("seed", range(100))
def test_a_tree_is_the_same_after_text_and_after_json(seed: int) -> None:
    tree = Trees(random.Random(seed), "1m", ("5m", "1d"), ("SPY", "0700.HK", "^GSPC")).condition(3)
    assert read_text(to_text(tree)) == tree
    encoder = msgspec.json.Encoder(decimal_format="number")
    given = msgspec.json.decode(encoder.encode(to_json(tree)))
    assert list(Draft202012Validator(SCHEMA).iter_errors(given)) == []
    assert read_json(to_json(tree)) == tree


def test_the_tree_of_the_longest_group_is_taken_as_well() -> None:
    tree = read_text(" or ".join(f"close > {number}" for number in range(26)))
    assert read_json(to_json(tree)) == tree
    given = msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(to_json(tree)))
    assert list(Draft202012Validator(SCHEMA).iter_errors(given)) == []
    with pytest.raises(WhenError, match="at most 80"):
        read_text(" or ".join(f"close > {number}" for number in range(27)))


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        (EXAMPLE, EXAMPLE),
        ("RSI < 30", "rsi(14) < 30"),
        ("close above sma(50)", "close > sma(50)"),
        ("close crosses_above sma(50)", "close crosses above sma(50)"),
        ("((close > 1)) and (open<2 or not low > 3)", "close > 1 and (open < 2 or not low > 3)"),
        ("rsi enters 30 to 70 for 1 bar", "rsi(14) enters 30 to 70 for 1 bars"),
        ("close > highest(close, 20)[1]", "close > highest(close, 20)[1]"),
        ("close > highest(high, 20)[1]", "close > highest(20)[1]"),
        ("day_change(SPY) < -0.50", "day_change(SPY) < -0.5"),
        ('close(1d, "brk-b") > 1'.replace("brk-b", "BRK-B"), 'close(1d, "BRK-B") > 1'),
        ("a" * 0 + "close - 1 - 2 > 3 / 4 / 5", "close - 1 - 2 > 3 / 4 / 5"),
        ("close - (1 - 2) > 3 * (4 + 5)", "close - (1 - 2) > 3 * (4 + 5)"),
    ],
)
def test_the_text_form_has_one_spelling(given: str, canonical: str) -> None:
    assert to_text(read_text(given)) == canonical


@pytest.mark.parametrize(
    ("given", "column", "said"),
    [
        ("rsy(14) < 30", 1, "rsi? One of"),
        ("rsi(14", 7, "a comma or )"),
        ("close", 6, "a comparison"),
        ("close >", 8, "a number, a parenthesis or one of"),
        ("close > 5 and", 14, "a number, a parenthesis or one of"),
        ("close > 5 nor open > 3", 11, "and, or, for 3 bars, within 3 bars, or the end"),
        ("close > 5 for x bars", 15, "a whole number of bars"),
        ("close > 5 for 401 bars", 15, "from 1 to 400"),
        ("close > 5 for 3", 16, "bars"),
        ("close > (open > 3)", 9, "a value here"),
        ("close > 1 and (open + 2)", 25, "a comparison"),
        ("close > sma(0)", 9, "a whole number from 1 to 400"),
        ("close > sma", 9, "its window"),
        ("close > sma(5, 1x)", 16, "an interval (1m,"),
        ("macd(26, 12, 9) > 0", 1, "fast below slow"),
        ("mean(20) > 1", 1, "mean(volume, 20)"),
        ("close(volume) > 1", 7, "an interval"),
        ("close > -open", 10, "0 - close"),
        ("close § 1", 7, "symbols in double quotes"),
        ('close("a b") > 1', 1, "a letter or digit among them"),
        ("rsi crosses 30", 13, "above or below"),
        ("rsi enters 30", 14, "to, between the two ends"),
        ("1e5 > close", 1, "one of close"),
    ],
)
def test_an_error_points_at_the_column(given: str, column: int, said: str) -> None:
    with pytest.raises(WhenError) as caught:
        read_text(given)
    assert caught.value.column == column
    assert said in caught.value.allowed


@pytest.mark.parametrize("space", ["\u00a0", "\x0c", "\x1c", "\u2028", "\u3000"])
@pytest.mark.parametrize("given", ["close > 1{}", "close{}> 1", "{}"])
def test_white_space_that_is_not_allowed_is_named(given: str, space: str) -> None:
    with pytest.raises(WhenError) as caught:
        read_text(given.format(space))
    assert caught.value.value == space
    assert caught.value.column == 1 + given.index("{")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "when.op"),
        ({"op": "all", "of": []}, "when.of"),
        ({"op": "all", "of": [1, 2]}, "when.of[0]"),
        ({"op": "not", "of": {"op": "above", "left": 1}}, "when.of.right"),
        ({"op": "above", "left": {"value": "smaa"}, "right": 1}, "when.left.value"),
        ({"op": "above", "left": {"value": "sma"}, "right": 1}, "when.left.window"),
        ({"op": "above", "left": {"value": "sma", "window": "5"}, "right": 1}, "when.left.window"),
        ({"op": "above", "left": {"value": "close", "ago": -1}, "right": 1}, "when.left.ago"),
        ({"op": "above", "left": {"value": "close", "x": 1}, "right": 1}, "when.left"),
        ({"op": "above", "left": {"op": "power"}, "right": 1}, "when.left.op"),
        ({"op": "for", "bars": True, "of": {"op": "above", "left": 1, "right": 1}}, "when.bars"),
        ({"op": "above", "left": 10**12, "right": 1}, "when.left"),
        ({"op": "above", "left": {"value": ["close"]}, "right": 1}, "when.left.value"),
    ],
)
def test_an_error_in_a_tree_has_the_path(given: Any, path: str) -> None:
    with pytest.raises(WhenError) as caught:
        read_json(given)
    assert caught.value.field == path


def _nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"op": "above", "left": 1, "right": 2}
    for _ in range(levels):
        tree = {"op": "not", "of": tree}
    return tree


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 900 + "close",
        "not " * 240 + "close > 1",
        "close" + "+1" * 490 + " > 2",
        "close > 1" + " and close > 1" * 60,
        "close > 1" + " for 1 bars" * 80,
        "9" * 1000,
        "close > 1" + " " * 10_000_000,
        _nested(MAX_DEPTH),
        _nested(900),
        {"op": "all", "of": [_nested(0)] * 10_000},
        {"op": "all", "of": [{"op": "all", "of": [_nested(0)] * 20}] * 20},
    ],
    ids=range(11),
)
def test_hostile_conditions_are_refused_at_once(hostile: Any) -> None:
    with counted_calls() as calls, pytest.raises(WhenError):
        parse_rule({"symbol": "AAPL", "interval": "1m", "when": hostile}, "r1")
    assert calls.total() < 20_000


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "1e1000000", "9e999999"])
def test_a_number_beyond_all_exponents_is_refused_in_a_tree(text: str) -> None:
    with pytest.raises(WhenError, match="a number below") as caught:
        read_json({"op": "above", "left": {"value": "close"}, "right": Decimal(text)})
    assert caught.value.field == "when.right"


def test_random_bytes_are_refused_or_read() -> None:
    source = random.Random(5)
    pieces = ["close", "sma(5)", " ", ">", "and", "or", "not", "(", ")", "5", ",", "1d", '"', "[1]"]
    columns: list[tuple[int, int]] = []
    for _ in range(3000):
        text = "".join(source.choices([*pieces, "\x00", "é", "-", "for 3 bars"], k=12))
        try:
            tree = read_text(text)
        except WhenError as error:
            columns.append((error.column or 0, len(text) + 1))
        else:
            assert read_text(to_text(tree)) == tree
    assert all(1 <= column <= most for column, most in columns)


@pytest.mark.parametrize(
    ("when", "interval", "said"),
    [
        ("close > sma(400, 30m)", "tick", ""),
        ("rsi(14) < 30", "tick", "values with an interval such as rsi(14, 1m)"),
        ("close > ema(400, 5m)", "tick", "needs 67 days of 1m bars (26,005 bars)"),
        ("close(1d) > 1 for 400 bars", "1m", ""),
        ("close(1m) > 1 for 400 bars", "1d", "needs 401 days of 1m bars"),
        ("close(A)+close(B)+close(C)+close(D)>1", "1m", "at most 3 other symbols"),
    ],
)
def test_a_rule_that_needs_too_much_is_refused_with_the_reason(
    when: str, interval: str, said: str
) -> None:
    given = {"symbol": "AAPL", "when": when, "interval": interval}
    if not said:
        assert parse_rule(given, "r1").when == when
        return
    with pytest.raises(RuleError, match="when") as caught:
        parse_rule(given, "r1")
    assert said in str(caught.value)


def test_a_rule_has_when_or_a_condition() -> None:
    made = parse_rule({"symbol": "AAPL", "when": EXAMPLE, "interval": "1h"}, "r1")
    assert (made.condition, made.when) == ("when", EXAMPLE)
    assert parse_rule(msgspec.structs.asdict(made), "r1") == made
    for wrong in (
        {"condition": "when"},
        {"condition": "greater_than", "value": 1, "when": EXAMPLE},
        {"condition": "when", "when": EXAMPLE, "value": 1},
        {"condition": "when", "when": EXAMPLE, "fast": 1},
        {"when": 5},
        {"when": ""},
    ):
        with pytest.raises(RuleError):
            parse_rule({"symbol": "AAPL", "interval": "1h", **wrong}, "r1")


def test_windows_are_bounded_as_in_other_rules() -> None:
    with pytest.raises(WhenError, match=str(MAX_WINDOW)):
        read_text(f"close > sma({MAX_WINDOW + 1})")


def text_of(when: object, symbol: str = "AAPL") -> str | None:
    return parse_rule({"symbol": symbol, "interval": "1m", "when": when}, "r").when


def test_the_rules_own_symbol_is_not_another_one() -> None:
    own = "close(AAPL) > 1 or not open(1d, AAPL)[1] enters low(AAPL) to 5 for 3 bars"
    assert text_of(own) == "close > 1 or not open(1d)[1] enters low to 5 for 3 bars"
    three = "close(A) + close(B) > close(C) / close(AAPL)"
    assert text_of(three) == "close(A) + close(B) > close(C) / close"
    assert text_of("close(AAPL) > 1", "MSFT") == "close(AAPL) > 1"
    assert text_of("close(AAPL) > 1", "*") == "close(AAPL) > 1"
    with pytest.raises(RuleError, match="at most 3 other symbols"):
        text_of(three, "*")


def test_the_length_counts_with_defaults() -> None:
    short = "and ".join(["macd_histogram<macd_histogram "] * 26)
    assert len(short) < 1000
    with pytest.raises(WhenError, match=r"1,503 characters.*1,000 characters, with all defaults"):
        text_of(short)


def test_prices_are_read_in_either_case_but_symbols_are_not_hidden() -> None:
    assert text_of("mean(VOLUME, 20) > 1") == "mean(volume, 20) > 1"
    assert text_of("highest(Close, 20) > 1") == "highest(close, 20) > 1"
    assert text_of("highest(20, OPEN) > close(OPEN)") == "highest(20, OPEN) > close(OPEN)"


@pytest.mark.parametrize("number", [1e-9, 0.123456789, 5.000000001])
def test_a_tree_is_not_rounded(number: float) -> None:
    tree = {"op": "above", "left": {"value": "close"}, "right": number}
    with pytest.raises(WhenError, match="at most eight decimals"):
        read_json(tree)


@pytest.mark.parametrize("symbol", ["\u00df", "\ufb01", "\u0131"])
def test_a_symbol_is_not_made_of_other_letters(symbol: str) -> None:
    tree = {"op": "above", "left": {"value": "close", "symbol": symbol}, "right": 1}
    with pytest.raises(WhenError, match=symbol):
        read_json(tree)
