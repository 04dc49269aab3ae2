"""Values that a client or a producer sends in order to do harm."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.athena import Athena
from chalicelib.adapters.state import to_item
from chalicelib.api import page_tokens, rendering
from chalicelib.api.problems import Problem
from chalicelib.domain.detection import MAX_PENDING, State, Watch, advance
from chalicelib.domain.errors import BadPosition, RuleError
from chalicelib.domain.rules import MAX_RULES, MAX_WINDOW, parse_rule
from chalicelib.domain.wire import decode
from tests.api_support import Client, FakeServices, fill, make_ticks
from tests.factories import instant, make_tick

MEBIBYTE = 1024 * 1024
LARGEST_ITEM = 400 * 1024
"""DynamoDB's limit."""


@pytest.fixture
def client() -> Client:
    """An API with one symbol that moves in every minute."""
    services = FakeServices()
    fill(services, make_ticks(900))
    return Client(services)


def rule(**fields: Any) -> dict[str, Any]:
    """A rule's description."""
    return {"symbol": "TEST", "condition": "greater_than", "value": 1, **fields}


@pytest.mark.parametrize("digits", [100, 63_000])
def test_a_value_of_many_digits_is_rounded_as_prices_are(digits: int) -> None:
    given = Decimal("1." + "3" * digits)
    assert parse_rule(rule(value=given), "r1").value == Decimal("1.33333333")


@pytest.mark.parametrize("value", ["1e-9", "9" * 13, "1e99999", "-1", "NaN", "Infinity"])
def test_a_value_beyond_the_bounds_is_refused(value: str) -> None:
    with pytest.raises(RuleError, match="value"):
        parse_rule(rule(value=Decimal(value)), "r1")


def test_a_preview_does_not_repeat_a_long_number(client: Client) -> None:
    """It answered 63 MB to a rule's value of 63,000 digits."""
    body = b'{"symbol":"TEST","condition":"less_than","trigger":"every_time","value":9%s.1%s}' % (
        b"0" * 8,
        b"3" * 63_000,
    )
    headers = {"Content-Type": "application/json"}
    answer = client._http.request("POST", "/rules/preview", headers=headers, body=body)
    assert answer.status_code in (200, 413)
    assert len(answer.body) < MEBIBYTE


def test_no_answer_is_above_the_limit() -> None:
    with pytest.raises(Problem, match="above"):
        rendering.plain({"text": "x" * (rendering.MAX_BODY_BYTES + 1)})
    assert rendering.plain({"text": "x"}).status_code == 200


def test_the_largest_rules_there_can_be_leave_a_state_that_can_be_written() -> None:
    """Eight rules with long values made every later write of the state fail."""
    value = Decimal("999999999999.99999999")
    rules = [
        parse_rule(
            rule(condition="moving_percent", value=Decimal("0.00000001"), window=MAX_WINDOW - 1),
            f"{number:x>64}",
        )
        for number in range(MAX_RULES - 1)
    ]
    every = parse_rule(rule(condition="every_record", value=None, trigger="every_time"), "e" * 64)
    figures = {"open": value, "high": value, "low": value, "previous_close": value}
    ticks = [
        make_tick(
            value if number % 2 else 1, number, symbol="T" * 24, source="s" * 64, volume=10**17,
            currency="c" * 64, market_state="REGULAR", **figures,
        )
        for number in range(MAX_WINDOW + MAX_PENDING)
    ]  # fmt: skip
    watch = Watch((*rules, every))
    state = State(symbol="T" * 24)
    largest, left = 0, ticks
    while left:
        outcome = advance(state, left, watch, lambda _tick: "")
        state, left = outcome.state, left[outcome.taken :]
        largest = max(largest, len(json.dumps(to_item(state))))
    assert 50_000 < largest < LARGEST_ITEM


TEXTS: tuple[str | None, ...] = (
    None, "", "tick", "1m", "auto", "1d", "TEST", "AAPL", "0001-01-01T00:00:00.000000Z",
    "9998-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", "2026-11-20", "-99999999999999",
    "\x00", "#", "2026-11-20T15:00:00.000000Z#TEST#x", "2026-11-20T15:00:00.000000Z#" + "r" * 1500,
)  # fmt: skip
QUERIES = (
    "/prices/TEST", "/prices/TEST?interval=1m", "/prices/TEST?interval=tick",
    "/prices?symbols=TEST", "/indicators/TEST?sma=5", "/alerts", "/alerts?symbol=TEST",
)  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_forged_page_tokens_are_refused_or_harmless(client: Client, query: str) -> None:
    """Their checksum is not secret: any reader of the code can make one."""
    path, _, text = query.partition("?")
    given = dict(part.split("=") for part in text.split("&")) if text else {}
    positions: list[page_tokens.Position] = [[one] for one in TEXTS]
    positions += [[interval, None, None, after] for interval in TEXTS for after in TEXTS[::3]]
    positions += [["TEST", *rest] for rest in itertools.product(TEXTS[3:10], repeat=4)][::99]
    joined = "&" if text else "?"
    for position in positions:
        token = page_tokens.encode(position, path, given)
        answer = client.get(f"{query}{joined}page_token={token}")
        assert answer.status in (200, 400), position


@pytest.mark.parametrize(
    "key",
    [
        "2026-11-20T15:00:00.000000Z#" + "r" * 1500,
        "2026-11-20T15:00:00.000000Z#a b",
        "2026-11-20t15:00:00.000000z#rule",
        "2026-11-20T15:00:00.000000Z#",
    ],
)
def test_a_forged_position_among_alerts_never_reaches_the_store(client: Client, key: str) -> None:
    token = page_tokens.encode([key], "/alerts", {"symbol": "TEST"})
    assert client.get(f"/alerts?symbol=TEST&page_token={token}").status == 400


class RefusingAthena:
    """Athena's answer to a token that it has not given."""

    def get_query_results(self, **request: Any) -> dict[str, Any]:
        """Refuse."""
        error = {"Code": "InvalidRequestException", "Message": "Invalid NextToken"}
        raise ClientError({"Error": error}, "GetQueryResults")


def test_a_token_that_athena_refuses_is_the_clients_fault() -> None:
    athena = Athena(RefusingAthena(), "group", "base")
    with pytest.raises(BadPosition):
        athena.rows("id", page_token="x")
    with pytest.raises(ClientError):
        athena.rows("id")


@pytest.mark.parametrize("label", ["=1+1", "@x", "a\tb", "x;y", "a,b", "<b>", "a'b", "é", " x"])
@pytest.mark.parametrize("field", ["source", "currency", "market_state", "exchange_timezone"])
def test_labels_are_plain_characters(field: str, label: str) -> None:
    tick = {"symbol": "AAPL", "price": 1, "timestamp": "2026-11-20T15:30:00Z", field: label}
    decoded = decode(json.dumps(tick).encode(), instant(60), "1")
    assert [field in part.reason for part in decoded.rejected] == [True]


@pytest.mark.parametrize("symbol", [".", "..", "-", "=", "^", "._-"])
def test_a_symbol_has_a_letter_or_a_digit(client: Client, symbol: str) -> None:
    assert client.get(f"/prices/{symbol.replace('.', '%2E')}").status in (400, 404)
    tick = {"symbol": symbol, "price": 1, "timestamp": "2026-11-20T15:30:00Z"}
    assert len(decode(json.dumps(tick).encode(), instant(60), "1").rejected) == 1


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=cmd|'/c calc'!A0"]
)
def test_texts_that_begin_as_formulas_are_quoted_in_csv(text: str) -> None:
    lines = rendering.to_csv(("source", "price"), [{"source": text, "price": Decimal("-1.5")}])
    assert lines.splitlines()[0] == "source,price"
    body = lines[len("source,price\n") :]
    assert body.lstrip('"').startswith("'")
    assert body.rstrip("\n").endswith(",-1.5")
