"""Rules: which condition a rule watches, and how often it may send an alert."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec

from chalicelib.domain.alerts import Severity
from chalicelib.domain.channel_ids import CHANNEL_ID
from chalicelib.domain.errors import RuleError
from chalicelib.domain.ticks import SYMBOL_ALLOWED, number, parse_symbol
from chalicelib.domain.times import from_text, to_text

Condition = Literal[
    "greater_than",
    "less_than",
    "crossing",
    "crossing_up",
    "crossing_down",
    "change_percent",
    "moving_percent",
    "golden_cross",
    "death_cross",
    "average_cross",
    "every_record",
    "when",
]
Interval = Literal["tick", "1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"]
Trigger = Literal["once", "every_time", "once_per_bar", "once_per_session"]

ANY_SYMBOL = "*"
CROSSES = ("golden_cross", "death_cross", "average_cross")
LEVELS = ("greater_than", "less_than")
PRICE_CONDITIONS = (*LEVELS, "crossing", "crossing_up", "crossing_down")
PERCENT_CONDITIONS = ("change_percent", "moving_percent")
RULE_ID_ALLOWED = "1 to 64 of A-Z a-z 0-9 - _"
RULE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
MAX_RULES = 50
"""The most enabled rules per symbol, including the rules for all symbols."""
MAX_WINDOW = 400
MAX_RULE_CHANNELS = 10
MAX_COOLDOWN_SECONDS = 31 * 86400

NEWER_DEFAULTS = ("default-cross-5m", "default-cross-1d")
"""Default rules that are left out first if a stage has MAX_RULES rules of its own."""

VALUE_LIMIT = Decimal(10) ** 12
_TOO_MANY = f"beyond the {MAX_RULES} enabled rules that may concern a symbol: it is not judged"
_VALUE_ALLOWED = "a number above 0 and below 10^12; digits behind the eighth decimal are rounded"


class Rule(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One rule. `symbol` is a symbol, or "*" for all symbols.

    value: a price, or a percentage for the percent conditions; fast and slow: the averages' windows
    in ticks or bars; window: over how many bars a move is measured; cooldown: in seconds. With the
    interval "tick" every tick is judged, with others the close of each bar. when: the text of the
    condition `when` (domain/when). channels: the ids of the channels that get the alerts; if empty,
    the default channels. severity: the severity of the alerts.
    """

    rule_id: str
    symbol: str
    condition: Condition
    value: Decimal | None = None
    interval: Interval = "tick"
    fast: int | None = None
    slow: int | None = None
    window: int | None = None
    trigger: Trigger = "every_time"
    cooldown_seconds: int = 0
    expires_at: str | None = None
    enabled: bool = True
    notify: bool = True
    channels: tuple[str, ...] = ()
    severity: Severity = "normal"
    when: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Return eight characters that change with every field that affects how the rule is
        judged."""
        judged = (
            self.condition,
            str(self.value),
            self.interval,
            self.fast,
            self.slow,
            self.window,
            self.trigger,
            self.cooldown_seconds,
            self.expires_at,
            *(() if self.when is None else (self.when,)),
        )
        return hashlib.sha256(repr(judged).encode()).hexdigest()[:8]

    @property
    def closes_needed(self) -> int:
        """Return how many of the newest prices (or closes) the rule needs to be judged."""
        if self.condition in CROSSES:
            return self.slow or 0
        if self.condition == "moving_percent":
            return (self.window or 0) + 1
        return 1

    @property
    def closes_to_begin(self) -> int:
        """Return how many earlier prices (or closes) a new rule reads, to find the side on which
        its averages begin. Averages read more than `closes_needed`, since they may be equal for a
        while."""
        return 2 * self.closes_needed if self.condition in CROSSES else self.closes_needed

    def is_active(self, timestamp: str) -> bool:
        """Return whether the rule is enabled and has not expired at an instant of market time."""
        return self.enabled and not self.has_expired(timestamp)

    def has_expired(self, timestamp: str) -> bool:
        """Return whether the rule has expired at an instant of market time."""
        return self.expires_at is not None and timestamp >= self.expires_at


class BrokenRule(msgspec.Struct, frozen=True):
    """A stored rule that is not judged, and why. It cannot be read, because a newer version or a
    person wrote it, or it exceeds the limit of its symbol."""

    rule_id: str
    symbol: str
    problem: str


def within_bound(rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Return a symbol's rules that are judged, in order, and the rules beyond MAX_RULES enabled
    ones. Rules for all symbols have priority, then the others by id, and last NEWER_DEFAULTS. An
    earlier version allowed more rules."""
    enabled = [rule for rule in rules if rule.enabled]
    if len(enabled) <= MAX_RULES:
        return tuple(rules), ()
    enabled.sort(
        key=lambda rule: (rule.rule_id in NEWER_DEFAULTS, rule.symbol != ANY_SYMBOL, rule.rule_id)
    )
    left_out = enabled[MAX_RULES:]
    return tuple(rule for rule in rules if rule not in left_out), tuple(left_out)


def beyond_bound(rules: Iterable[Rule]) -> tuple[BrokenRule, ...]:
    """Return the stage's rules that exceed their symbol's limit, by id."""
    by_symbol: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_symbol[rule.symbol].append(rule)
    for_all = by_symbol.pop(ANY_SYMBOL, [])
    found = {
        (rule.rule_id, rule.symbol)
        for own in ([], *by_symbol.values())
        for rule in within_bound([*for_all, *own])[1]
    }
    return tuple(BrokenRule(*key, _TOO_MANY) for key in sorted(found))


def default_rules(
    fast: int, slow: int, anomaly_percent: Decimal, *, every_tick: bool = False
) -> tuple[Rule, ...]:
    """Return the rules of an empty deployment, for every symbol.

    Crosses on ticks are always recorded. With `every_tick` each of them is sent. Otherwise crosses
    on 5-minute bars are sent, at most one a symbol and hour, and the daily 50/200 cross.
    """
    crosses = tuple(
        Rule(
            rule_id=f"default-{condition.replace('_', '-')}",
            symbol=ANY_SYMBOL,
            condition=condition,
            fast=fast,
            slow=slow,
            notify=every_tick,
        )
        for condition in ("golden_cross", "death_cross")
    )
    anomaly = Rule(
        rule_id="default-change-percent",
        symbol=ANY_SYMBOL,
        condition="change_percent",
        value=anomaly_percent,
        trigger="once_per_session",
    )
    return (*crosses, anomaly, *(() if every_tick else _crosses_on_bars(fast, slow)))


def _crosses_on_bars(fast: int, slow: int) -> tuple[Rule, Rule]:
    """Return the rules whose crosses are sent by default. Each rule judges golden and death
    crosses, so that both count for its cooldown."""
    five_minutes, daily = NEWER_DEFAULTS
    return (
        Rule(
            rule_id=five_minutes,
            symbol=ANY_SYMBOL,
            condition="average_cross",
            interval="5m",
            fast=fast,
            slow=slow,
            cooldown_seconds=3600,
        ),
        Rule(
            rule_id=daily,
            symbol=ANY_SYMBOL,
            condition="average_cross",
            interval="1d",
            fast=50,
            slow=200,
        ),
    )


def parse_rule(given: dict[str, Any], rule_id: str) -> Rule:
    """Return the rule that a client describes. Raises RuleError, which names the invalid field."""
    if not isinstance(given, dict):
        raise RuleError("rule", given, "a JSON object")
    known = Rule.__struct_fields__
    for name in given:
        if name not in known:
            raise RuleError(name, given[name], f"only the fields {', '.join(known)}")
    if given.get("rule_id") not in (None, rule_id):
        raise RuleError("rule_id", given["rule_id"], f"{rule_id}, as in the path, or none")
    rule = Rule(
        rule_id=rule_id,
        symbol=_symbol(given.get("symbol")),
        condition=_choice(
            given,
            "condition",
            get_args(Condition),
            "when" if given.get("when") is not None else None,
        ),
        value=_value(given.get("value")),
        interval=_choice(given, "interval", get_args(Interval), "tick"),
        fast=_count(given, "fast"),
        slow=_count(given, "slow"),
        window=_count(given, "window"),
        trigger=_choice(given, "trigger", get_args(Trigger), "every_time"),
        cooldown_seconds=_whole(given, "cooldown_seconds", 0, MAX_COOLDOWN_SECONDS) or 0,
        expires_at=_instant(given.get("expires_at")),
        enabled=_flag(given, "enabled"),
        notify=_flag(given, "notify"),
        channels=_channels(given.get("channels")),
        severity=_choice(given, "severity", get_args(Severity), "normal"),
        when=_when(given),
    )
    _check_condition(rule)
    return rule


def _check_condition(rule: Rule) -> None:
    """Raise RuleError unless the rule has exactly the fields that its condition needs."""
    if rule.condition in PRICE_CONDITIONS + PERCENT_CONDITIONS:
        if rule.value is None:
            raise RuleError("value", None, f"a number above 0 for {rule.condition}")
    elif rule.value is not None:
        raise RuleError("value", str(rule.value), f"none for {rule.condition}")
    if rule.condition in CROSSES:
        _check_averages(rule)
    elif rule.fast is not None or rule.slow is not None:
        raise RuleError("fast, slow", [rule.fast, rule.slow], f"none for {rule.condition}")
    if (rule.condition == "moving_percent") != (rule.window is not None):
        needed = "a whole number" if rule.condition == "moving_percent" else "none"
        raise RuleError("window", rule.window, f"{needed} for {rule.condition}")
    if rule.when is None and rule.condition == "when":
        raise RuleError("when", None, "a text such as rsi(14) < 30, or a tree")
    if rule.when is not None and rule.condition != "when":
        raise RuleError("condition", rule.condition, "when, or none, beside the field when")


def _check_averages(rule: Rule) -> None:
    if rule.fast is None or rule.slow is None:
        missing = "fast" if rule.fast is None else "slow"
        raise RuleError(missing, None, f"1 to {MAX_WINDOW} for {rule.condition}")
    if rule.fast >= rule.slow:
        raise RuleError("fast", rule.fast, f"below slow, {rule.slow}")


def _symbol(given: Any) -> str:
    if given == ANY_SYMBOL:
        return ANY_SYMBOL
    try:
        return parse_symbol(given)
    except ValueError:
        raise RuleError("symbol", given, f'"*" for all, or {SYMBOL_ALLOWED}') from None


def _choice(
    given: dict[str, Any], field: str, allowed: tuple[str, ...], default: str | None
) -> Any:
    value = given.get(field)
    value = default if value is None else value
    if not isinstance(value, str) or value not in allowed:
        raise RuleError(field, value, ", ".join(allowed))
    return value


def _value(given: Any) -> Decimal | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        raise RuleError("value", given, _VALUE_ALLOWED)
    value = given if isinstance(given, Decimal) else Decimal(str(given))
    if not value.is_finite() or not 0 < value < VALUE_LIMIT:
        raise RuleError("value", str(given), _VALUE_ALLOWED)
    value = number(value)  # rounding like prices bounds its digits
    if not 0 < value < VALUE_LIMIT:  # rounding may reach either limit
        raise RuleError("value", str(given), _VALUE_ALLOWED)
    return value


def _whole(given: dict[str, Any], field: str, low: int, high: int) -> int | None:
    value = given.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RuleError(field, value, f"a whole number from {low} to {high}")
    return value


def _count(given: dict[str, Any], field: str) -> int | None:
    return _whole(given, field, 1, MAX_WINDOW)


def _when(given: dict[str, Any]) -> str | None:
    """Return the text of a condition `when`. The modules for it are loaded only if it is given."""
    if given.get("when") is None:
        return None
    from chalicelib.domain.when.parsing import parse_when

    interval = _choice(given, "interval", get_args(Interval), "tick")
    return parse_when(given["when"], interval, _symbol(given.get("symbol")))


def _flag(given: dict[str, Any], field: str) -> bool:
    value = given.get(field)
    value = True if value is None else value
    if not isinstance(value, bool):
        raise RuleError(field, value, "true, false")
    return value


def _channels(given: Any) -> tuple[str, ...]:
    """Return a client's channel ids, each once. Raises RuleError for an invalid id. Ids of channels
    that do not exist are accepted."""
    if given is None:
        return ()
    ids = tuple(given) if isinstance(given, list | tuple) else (None,)
    if len(ids) > MAX_RULE_CHANNELS or not all(
        isinstance(each, str) and CHANNEL_ID.fullmatch(each) for each in ids
    ):
        allowed = f"a list of at most {MAX_RULE_CHANNELS} ids of channels"
        raise RuleError("channels", given, allowed)
    return tuple(dict.fromkeys(ids))


def _instant(given: Any) -> str | None:
    if given is None:
        return None
    try:
        return to_text(from_text(given))
    except (TypeError, ValueError, OverflowError):
        raise RuleError("expires_at", given, "an RFC 3339 date-time with an offset") from None
