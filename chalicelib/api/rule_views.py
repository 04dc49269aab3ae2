"""Views of the rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.problems import invalid_field
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.alerts import Alert
from chalicelib.domain.rules import ANY_SYMBOL, RULE_ID, RULE_ID_ALLOWED, Rule, parse_rule
from chalicelib.services.market_data.queries import PriceQuery
from chalicelib.services.market_data.series import Series
from chalicelib.services.rules.rule_book import RuleBook
from chalicelib.services.symbols.lists import SEEN

if TYPE_CHECKING:
    from chalicelib.domain.backtest import TradingCosts
    from chalicelib.services.rules.preview_run import Position, Previewed
    from chalicelib.services.stores import Stores

CACHE_SECONDS = 1
"""Short, so that a rule is visible soon after it is written."""

PREVIEW = "preview"
"""The id of a rule in a preview, which is not stored."""

PREVIEW_SECONDS = 10.0
"""How long a preview may take. API Gateway waits for 29 s, but each second is charged."""

BEFORE_BACKTEST_SECONDS = 7.0
"""How much of PREVIEW_SECONDS the preview may take if a backtest follows."""


def rules(services: Services, request: Any) -> Response:
    """List all rules in force, and the stored rules that are not judged."""
    book = _book(services)
    rows = [_shown(kept.rule, kept.default) for kept in book.all()]
    broken = [msgspec.structs.asdict(rule) for rule in book.broken()]
    answer = {"rules": rows, "broken": broken}
    return rendering.document(request, answer, caching(services, CACHE_SECONDS))


def rule(services: Services, request: Any, rule_id: str) -> Response:
    """Return one rule."""
    kept = _book(services).find(_id_of(rule_id))
    return rendering.document(
        request, _shown(kept.rule, kept.default), caching(services, CACHE_SECONDS)
    )


def create_rule(services: Services, request: Any) -> Response:
    """Store a rule under a new id."""
    made = _book(services).create(bodies.read_object(request))
    location = {"Location": f"rules/{made.rule_id}"}
    return rendering.plain(_shown(made, False), status=201, headers=location)


def replace_rule(services: Services, request: Any, rule_id: str) -> Response:
    """Create or replace a rule under its id."""
    given = bodies.read_object(request)
    given.pop("default", None)  # clients may send back what they read
    made, is_new = _book(services).replace(_id_of(rule_id), given)
    return rendering.plain(_shown(made, False), status=201 if is_new else 200)


def delete_rule(services: Services, _: Any, rule_id: str) -> Response:
    """Delete a rule."""
    _book(services).remove(_id_of(rule_id))
    return rendering.empty()


def preview_rule(services: Services, request: Any) -> Response:
    """Return the alerts that a rule would have raised over a range, and a requested backtest."""
    from chalicelib.api import preview_tokens

    given = bodies.read_object(request)
    body = dict(given)
    query, period = bodies.take_range(given)
    wanted = given.pop("backtest", None)
    token = given.pop(preview_tokens.FIELD, None)
    adjustment = bodies.take_adjustment(given)
    asked = parse_rule(given, PREVIEW)
    if adjustment is not None and asked.interval == "tick":
        raise invalid_field("adjustment", adjustment, "none with the interval tick")
    if asked.symbol == ANY_SYMBOL:
        raise invalid_field("symbol", ANY_SYMBOL, "one symbol")
    since = None if token is None else preview_tokens.decode(token, body, asked)
    series = Series(services.stores)
    price_query = PriceQuery(symbol=asked.symbol, range=query, period=period)
    reach = series.range_of(price_query, series.known(asked.symbol))
    begun, costs = time.monotonic(), _costs(wanted)
    deadline = begun + (PREVIEW_SECONDS if costs is None else BEFORE_BACKTEST_SECONDS)
    preview = services.preview if adjustment is None else services.preview.adjusted(adjustment)
    found = preview(asked, asked.symbol, reach.start, reach.end, deadline, since)
    tried = None
    if costs is not None:
        time_is_up = lambda: time.monotonic() >= begun + PREVIEW_SECONDS  # noqa: E731
        tried = _backtest(preview.stores, asked, found, reach.start, since, costs, time_is_up)
    left = None if found.complete else found.position
    return rendering.plain(
        {
            "alerts": [_would_be(alert) for alert in found.alerts],
            "judged": found.judged,
            "complete": found.complete,
            "until": found.until,
            "next_page_token": preview_tokens.encode(left, body) if left else None,
            "unknown": found.unknown,
            "when": _when(asked),
            "backtest": tried,
        }
    )


def _id_of(rule_id: str) -> str:
    return parameters.id_of("rule_id", rule_id, RULE_ID, RULE_ID_ALLOWED)


def _book(services: Services) -> RuleBook:
    stores = services.stores
    count = lambda: stores.symbols.count(SEEN)  # noqa: E731
    return RuleBook(stores.rules, services.defaults, services.channels.check, count)


def _costs(wanted: Any) -> TradingCosts | None:
    """Return the costs of the requested backtest; None if none is requested. Raises RuleError."""
    if wanted is None or wanted is False:
        return None
    from chalicelib.domain.backtest import parse_costs

    return parse_costs(wanted)


def _backtest(
    stores: Stores,
    rule: Rule,
    found: Previewed,
    start: str | None,
    since: Position | None,
    costs: TradingCosts,
    time_is_up: Callable[[], bool],
) -> dict[str, Any]:
    """Return a preview's backtest for the answer, up to the position that the preview reached."""
    from chalicelib.services.rules.backtests import backtest_of

    made = backtest_of(stores, rule, found, start, costs, since, time_is_up)
    answer: dict[str, Any] = msgspec.to_builtins(made)
    return answer


def _when(rule: Rule) -> dict[str, Any] | None:
    """Return both forms of a rule's condition `when`, and the bars that it needs. None for a rule
    without `when`."""
    if rule.when is None:
        return None
    from chalicelib.domain.when.json_form import to_json
    from chalicelib.domain.when.needs import in_words, needs_of
    from chalicelib.domain.when.reading import tree_of

    tree = tree_of(rule.when)
    needs = needs_of(tree, rule.interval)
    words = [in_words(key, needs[key]) for key in sorted(needs)]
    return {"text": rule.when, "tree": to_json(tree), "needs": words}


def _would_be(alert: Alert) -> dict[str, Any]:
    names = ("symbol", "timestamp", "condition", "interval", "price", "values", "message")
    return {name: getattr(alert, name) for name in names}


def _shown(rule: Rule, default: bool) -> dict[str, Any]:
    return {**msgspec.structs.asdict(rule), "default": default}
