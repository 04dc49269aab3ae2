"""Reads and writes rules as TOML, with variables and lists of symbols:

[variables]
tech = ["AAPL", "MSFT"]
low = 30

[rules.oversold]                 # one rule for each symbol: oversold-AAPL, oversold-MSFT
symbols = "${tech}"
interval = "1h"
when = "rsi(14) < ${low} and close > sma(200, 1d)"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import RULE_ID, RULE_ID_ALLOWED, Rule, parse_rule
from commands.outcomes import UsageError

MAX_BYTES = 100_000
"""The largest file in bytes. At most 98 rules change at once, and they need less."""

MAX_TEXT = 10_000
"""The most characters of a text whose variables are replaced. All fields allow fewer."""

MAX_PARTS = 10
"""The most parts of a dotted key: tomllib's memory grows with their square."""

MAX_DIGITS = 30
"""The most digits of a number before or after the decimal point. No rule needs more."""

_NUMBER_ALLOWED = f"a number has at most {MAX_DIGITS} digits before and after the decimal point"
_LONG_NUMBER = re.compile(r"[0-9][0-9_]{4000,}", re.ASCII)
_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t]+)
    | (?P<dot>\.)
    | "{3}(?:[^\\]|\\.)*?(?:"{3,5}|\\?\Z) | '{3}.*?(?:'{3,5}|\Z) | \#[^\n]*
    | (?P<part>"(?:[^"\\\n]|\\[^\n])*+"? | '[^'\n]*+'? | [\w-]+)
    | .
    """,
    re.ASCII | re.DOTALL | re.VERBOSE,
)
"""A token of TOML. The pattern never backtracks; an unterminated string extends to the end."""

_VARIABLE = re.compile(r"\$\{(\w{1,64})\}", re.ASCII)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_TABLES = ("variables", "rules")


def read_rules(path: Path) -> list[Rule]:
    """Return a file's rules, sorted by id. Raises UsageError that names the rule and the field."""
    given = _table(path)
    variables = _variables(given.get("variables", {}), path)
    found: dict[str, Rule] = {}
    for name, fields in sorted(_rules_of(given, path).items()):
        for rule_id, one in _each_symbol(name, _filled(fields, variables, path, name), path):
            if rule_id in found:
                raise UsageError(f"{path}: rules.{name}: another rule has the id {rule_id}")
            try:
                found[rule_id] = parse_rule(one, rule_id)
            except RuleError as error:
                raise UsageError(f"{path}: rules.{name}: {error}") from error
    return [found[rule_id] for rule_id in sorted(found)]


def write_rules(rules: Iterable[Rule]) -> str:
    """Return a file's text with these rules. Fields that have their defaults are omitted."""
    texts = []
    for rule in sorted(rules, key=lambda rule: rule.rule_id):
        lines = [f"[rules.{rule.rule_id}]"]
        for field in msgspec.structs.fields(Rule):
            value = getattr(rule, field.name)
            is_default = not field.required and value == field.default
            if field.name == "rule_id" or is_default or (rule.when and field.name == "condition"):
                continue
            lines.append(f"{field.name} = {_toml(value)}")
        texts.append("\n".join(lines) + "\n")
    return "\n".join(texts)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if len(text) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        decoded = text.decode()
        if (start := _start_of_long_key(decoded)) is not None:
            raise UsageError(
                f"{path}: a key with more than {MAX_PARTS} parts{_place(decoded, start)}"
            )
        given = tomllib.loads(decoded, parse_float=_decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
        raise UsageError(f"{path}: {str(error) or 'nested too deep, or too large'}") from error
    except ValueError as error:  # more digits than Python converts
        raise UsageError(f"{path}: {_NUMBER_ALLOWED}{_place_of_long_number(text)}") from error
    for name in given:
        if name not in _TABLES:
            raise UsageError(f"{path}: unknown table {name}; allowed: {', '.join(_TABLES)}")
    return given


def _start_of_long_key(text: str) -> int | None:
    """Return the offset of the first key with more than MAX_PARTS parts; None if there is none."""
    start, parts, is_open = 0, 0, False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "part":
            start, parts = (start, parts + 1) if is_open else (token.start(), 1)
            if parts > MAX_PARTS:
                return start
        elif kind is None:
            parts = 0
        is_open = parts > 0 and (kind == "dot" or (kind == "blank" and is_open))
    return None


def _decimal(text: str) -> Decimal:
    """Return the number; infinity, which no field allows, if the exponent is too large."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def _place_of_long_number(text: bytes) -> str:
    """Return the line and column of a number that cannot be read, as tomllib writes them."""
    found = _LONG_NUMBER.search(text.decode())
    return "" if found is None else _place(found.string, found.start())


def _place(text: str, start: int) -> str:
    before = text[:start]
    column = start - (before.rfind("\n") + 1) + 1
    return f" (at line {before.count(chr(10)) + 1}, column {column})"


def _rules_of(given: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    rules = given.get("rules", {})
    if not isinstance(rules, dict):
        raise UsageError(f"{path}: rules: expected a table [rules.NAME] for each rule")
    for name, fields in rules.items():
        if not isinstance(fields, dict):
            raise UsageError(f"{path}: rules.{name}: expected a table [rules.{name}]")
        if not RULE_ID.fullmatch(name):
            raise UsageError(f"{path}: rules.{name}: a name has {RULE_ID_ALLOWED}")
    return rules


def _variables(given: object, path: Path) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise UsageError(f"{path}: variables: expected a table")
    for name, value in given.items():
        if isinstance(value, dict):
            raise UsageError(f"{path}: variables.{name}: expected a string, a number or a list")
        _check_numbers(value, f"{path}: variables.{name}")
    return given


def _check_numbers(value: object, place: str) -> None:
    """Raise UsageError for a number that is not finite or has more than MAX_DIGITS digits."""
    if isinstance(value, list):
        for one in value:
            _check_numbers(one, place)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_numbers(one, f"{place}.{name}")
    elif isinstance(value, int):
        if abs(value) >= 10**MAX_DIGITS:
            raise UsageError(f"{place}: {_NUMBER_ALLOWED}")
    elif isinstance(value, Decimal) and (not value.is_finite() or not _is_short(value)):
        raise UsageError(f"{place}: {_NUMBER_ALLOWED}")


def _is_short(value: Decimal) -> bool:
    exponent = int(value.as_tuple().exponent)
    return value.adjusted() < MAX_DIGITS and exponent >= -MAX_DIGITS


def _filled(
    fields: Mapping[str, Any], variables: Mapping[str, Any], path: Path, name: str
) -> dict[str, Any]:
    """Return a rule's fields with the variables replaced by their values."""

    def value_of(match: re.Match[str]) -> Any:
        if match[1] not in variables:
            known = ", ".join(variables) or "none"
            raise UsageError(f"{path}: rules.{name}: unknown variable {match[1]}; known: {known}")
        return variables[match[1]]

    def filled(value: Any) -> Any:
        if not isinstance(value, str):
            return [filled(one) for one in value] if isinstance(value, list) else value
        if whole := _VARIABLE.fullmatch(value):
            return value_of(whole)
        size = len(value)

        def written(match: re.Match[str]) -> str:
            nonlocal size
            text = _in_text(value_of(match))
            size += len(text)
            if size > MAX_TEXT:
                raise UsageError(
                    f"{path}: rules.{name}: longer than {MAX_TEXT} characters with {match[0]}"
                )
            return text

        return _VARIABLE.sub(written, value)

    for field, value in fields.items():
        _check_numbers(value, f"{path}: rules.{name}: {field}")
    return {field: filled(value) for field, value in fields.items()}


def _in_text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _each_symbol(
    name: str, fields: dict[str, Any], path: Path
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield an id and fields for each of the rule's `symbols`; the rule itself if it has none."""
    if "symbols" not in fields:
        yield name, fields
        return
    symbols = fields.pop("symbols")
    if not isinstance(symbols, list) or not symbols or "symbol" in fields:
        raise UsageError(f"{path}: rules.{name}: symbols: expected a list, and no field symbol")
    for one in symbols:
        if not isinstance(one, str):
            allowed = 'symbols as strings, or symbols = "${name}" for a variable with a list'
            raise UsageError(f"{path}: {RuleError(f'rules.{name}: symbols', one, allowed)}")
    for symbol in dict.fromkeys(one.upper() for one in symbols):
        yield f"{name}-{_NOT_IN_IDS.sub('_', symbol)}"[:64], {**fields, "symbol": symbol}
