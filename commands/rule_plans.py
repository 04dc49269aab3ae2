"""Describes plans of rules, for a terminal or as Markdown for a comment on a pull request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from chalicelib.domain.backtest import Backtest
from chalicelib.domain.rules import Rule
from chalicelib.services.rules.preview_run import Previewed
from chalicelib.services.rules.rule_sets import Change, Plan
from chalicelib.services.rules.yearly import Fires

Tried = Callable[[Rule], Fires]
MOST_FIRES = 20
"""The number of fires that are listed, which are the latest."""

_SIGNS = {"add": "+", "change": "~", "delete": "-"}
_DIFF = {"add": "+", "change": "!", "delete": "-"}


def described(plan: Plan, tried: Tried) -> list[str]:
    """Return the lines that describe a plan in a terminal."""
    lines = [line for change in plan.changes for line in _lines(change, tried, _SIGNS)]
    return [*lines, summary(plan)]


def as_markdown(plan: Plan, tried: Tried, title: str) -> list[str]:
    """Return a plan as lines of Markdown: a `diff` code block and the summary."""
    lines = [line for change in plan.changes for line in _lines(change, tried, _DIFF)]
    safe = [line.replace("```", "` ` `") for line in lines]
    fence = ["```diff", *safe, "```"] if safe else []
    return [f"### {title}", "", *fence, "", summary(plan)]


def summary(plan: Plan) -> str:
    """Return the last line of a plan: the counts of its changes, and its id."""
    kinds = [_kind(change) for change in plan.changes]
    counts = ", ".join(f"{kinds.count(kind)} to {kind}" for kind in _SIGNS)
    left = len(plan.left_alone)
    others = f"; {left} made elsewhere {'is' if left == 1 else 'are'} left alone" if left else ""
    return f"{counts if kinds else 'no changes'}{others}. Plan {plan.digest}"


def followed(rule: Rule, found: Previewed, tried: Backtest) -> list[str]:
    """Return the lines of a preview: the fires of a rule, the returns after them, and caveats."""
    lines = [
        f"{rule.symbol} {rule.interval}  {rule.when}",
        (
            f"{_count_of_fires(found)} at {found.judged} prices, unknown at {found.unknown}"
            f"{'' if found.complete else '; not all of the range was tried'}"
        ),
        *(f"  {alert.timestamp[:16]}  {alert.price}" for alert in found.alerts[-MOST_FIRES:]),
    ]
    if not found.alerts:
        return lines
    spreads = [(f"after {one.bars} bar{'s' * (one.bars > 1)}", one.returns) for one in tried.after]
    spreads += [("best before the next fire", tried.best), ("worst", tried.worst)]
    for name, spread in spreads:
        if spread.count:
            lines.append(
                f"{name}: {spread.mean:+.2f}% on average, median {spread.median:+.2f}%, from "
                f"{spread.lowest:+.2f}% to {spread.highest:+.2f}% ({spread.count})"
            )
    costs = tried.costs
    lines += [
        (
            f"bought after each fire for {costs.hold_bars} bars: "
            f"{tried.rule.return_percent:+.2f}%, deepest fall "
            f"{tried.rule.drawdown_percent:.2f}%, {tried.rule.trades} trades"
        ),
        (
            f"bought and held: {tried.hold.return_percent:+.2f}%, deepest fall "
            f"{tried.hold.drawdown_percent:.2f}%; fee {costs.fee_percent:g}%, slippage "
            f"{costs.slippage_percent:g}%"
        ),
        *tried.caveats,
    ]
    return lines


def _count_of_fires(found: Previewed) -> str:
    count = len(found.alerts)
    return f"{count} fire{'' if count == 1 else 's'}"


def _kind(change: Change) -> str:
    if change.after is None:
        return "delete"
    return "add" if change.before is None else "change"


def _lines(change: Change, tried: Tried, signs: dict[str, str]) -> Iterator[str]:
    rule = change.after or change.before
    what = "cannot be read"
    if rule is not None:
        what = f"{rule.symbol} {rule.interval}  {rule.when or rule.condition}"
    name = change.rule_id if rule is not None else json.dumps(change.rule_id)
    yield f"{signs[_kind(change)]} {name}  {what}"
    if change.default is not None:
        yield "      the default is in force again"
    if rule is None:
        return
    for name, (old, new) in change.fields.items():
        yield f"      {name}: {_shown(old)} -> {_shown(new)}"
    before, after = (_fires(one, tried) for one in (change.before, change.in_force))
    last = _last(after) if after else ""
    yield f"      {_often(before)} -> {_often(after)} a year{last}"
    for warning in after.warnings if change.after and after else ():
        yield f"      warning: {warning}"


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fires(rule: Rule | None, tried: Tried) -> Fires | None:
    """Return how often a rule would have fired: never without a rule, None if the rule is off."""
    if rule is None:
        return Fires(judged=1)
    return tried(rule) if rule.enabled else None


def _often(fires: Fires | None) -> str:
    if fires is None:
        return "off"
    return str(fires.count) if fires.complete else f"{fires.count} or more"


def _last(fires: Fires) -> str:
    return f", the last on {fires.last}" if fires.last else ""
