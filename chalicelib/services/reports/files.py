"""The reports. Each is an SQL file in chalicelib/reports, and its first lines declare it.

-- title: ...
-- description: ...
-- parameter: NAME KIND [RANGE] [default=VALUE]; MEANING
-- columns: a, b

A parameter without a default is required. The statement refers to values as `:NAME`. Athena gets a
`?` for each reference, and the values in that order. It accepts `?` within WHERE only:
https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from chalicelib.domain.errors import FieldError, Unknown
from chalicelib.domain.ticks import SYMBOL_ALLOWED, parse_symbol
from chalicelib.services.query_engine import QueryValue

FOLDER = Path(__file__).resolve().parents[2] / "reports"

Kind = Literal["date", "symbol", "integer", "decimal", "choice"]

_PARAMETER = re.compile(
    r"(?P<name>\w+) (?P<kind>\w+)(?: (?!default=)(?P<bounds>\S+))?(?: default=(?P<default>\S+))?;"
    r" (?P<meaning>.+)"
)
_NAMED = re.compile(r":([a-z_]+)")
_DATE_ALLOWED = "a date such as 2026-11-20"
_MOST_DIGITS = 24


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a report.

    A date's default is relative, such as `today-7`. If `default` is None, a value is required.
    """

    name: str
    kind: Kind
    meaning: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    @property
    def allowed(self) -> str:
        """Return a description of the values that the parameter allows."""
        if self.kind == "date":
            return _DATE_ALLOWED
        if self.kind == "symbol":
            return SYMBOL_ALLOWED
        if self.kind == "choice":
            return ", ".join(self.choices)
        number = "a whole number" if self.kind == "integer" else "a number"
        return f"{number} from {self.minimum} to {self.maximum}"

    def read(self, given: Any, today: date) -> QueryValue:
        """Return the value to bind. `given` is None if the request does not name the parameter.
        Raises FieldError."""
        if given is None:
            if self.default is None:
                raise FieldError(self.name, given, f"{self.allowed}; it has to be given")
            return self.preset(today)
        try:
            return self._parsed(given)
        except (ValueError, InvalidOperation) as error:
            raise FieldError(self.name, given, self.allowed) from error

    def preset(self, today: date) -> QueryValue:
        """Return the default value, computed for the day `today`. The parameter must have a
        default."""
        text = cast("str", self.default)
        if self.kind == "date":
            return (today + timedelta(days=int(text.removeprefix("today")))).isoformat()
        return self._parsed(text)

    def _parsed(self, given: Any) -> QueryValue:
        if self.kind in ("integer", "decimal"):
            return self._number(given)
        if not isinstance(given, str):
            raise ValueError("not a text")  # noqa: TRY004 - every invalid value is one error
        if self.kind == "symbol":
            return parse_symbol(given)
        if self.kind == "date":
            if date.fromisoformat(given).isoformat() != given:
                raise ValueError("another form of a date")
        elif given not in self.choices:
            raise ValueError("not a choice")
        return given

    def _number(self, given: Any) -> QueryValue:
        if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
            raise ValueError("not a number")  # noqa: TRY004 - as above
        if isinstance(given, str) and len(given) > _MOST_DIGITS:
            raise ValueError("too many digits")
        value = Decimal(given)
        if not value.is_finite() or not cast("int", self.minimum) <= value <= cast(
            "int", self.maximum
        ):
            raise ValueError("out of range")
        if self.kind == "integer" and value != value.to_integral_value():
            raise ValueError("not whole")
        if value != round(value, 8):
            raise ValueError("more than eight places")
        value = value.normalize()
        return int(value) if value == value.to_integral_value() else value


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as declared in its file. `order` names the parameter that each `?` in the statement
    stands for."""

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    statement: str
    order: tuple[str, ...]

    def values(self, given: dict[str, Any], today: date) -> dict[str, QueryValue]:
        """Return the values of all parameters. A parameter that is not given has its default as of
        `today`. Raises FieldError for the first invalid value or unknown parameter."""
        known = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in known:
                raise FieldError(
                    name, given[name], f"parameters of {self.name}: {', '.join(known)}"
                )
        values = {p.name: p.read(given.get(p.name), today) for p in self.parameters}
        _check_order(values, "start", "end", "a date later than start")
        _check_order(values, "fast", "slow", "a number above fast")
        return values

    def bound(self, values: dict[str, QueryValue]) -> tuple[QueryValue, ...]:
        """Return the values in the order of the `?` in the statement."""
        return tuple(values[name] for name in self.order)


def _check_order(values: dict[str, Any], low: str, high: str, allowed: str) -> None:
    if low in values and high in values and values[low] >= values[high]:
        raise FieldError(high, values[high], f"{allowed} ({values[low]})")


@cache
def all_reports() -> tuple[Report, ...]:
    """Return all reports, sorted by name."""
    return tuple(read_report(path) for path in sorted(FOLDER.glob("*.sql")))


def find_report(name: str) -> Report:
    """Return the report with this name. Raises Unknown."""
    for report in all_reports():
        if report.name == name:
            return report
    raise Unknown("report", name)


def read_report(path: Path) -> Report:
    """Read a report from its file. Raises ValueError for an invalid declaration."""
    declared: dict[str, list[str]] = {}
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("-- ")]
    for line in head:
        word, _, text = line[3:].partition(": ")
        declared.setdefault(word, []).append(text)
    body = "\n".join(lines[len(head) :]).strip()
    parameters = tuple(_parameter(path, text) for text in declared.get("parameter", ()))
    order = tuple(_NAMED.findall(body))
    if set(order) != {parameter.name for parameter in parameters}:
        raise ValueError(f"{path.name}: declared parameters are not those of the statement")
    return Report(
        name=path.stem,
        title=declared["title"][0],
        description=declared["description"][0],
        parameters=parameters,
        columns=tuple(declared["columns"][0].split(", ")),
        statement=f"-- ticktape report: {path.stem}\n" + _NAMED.sub("?", body),
        order=order,
    )


def _parameter(path: Path, text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise ValueError(f"{path.name}: {text!r} declares no parameter")
    bounds = found["bounds"] or ""
    low, _, high = bounds.partition("..")
    return Parameter(
        name=found["name"],
        kind=msgspec.convert(found["kind"], Kind),
        meaning=found["meaning"],
        default=found["default"],
        choices=tuple(bounds.split("|")) if found["kind"] == "choice" else (),
        minimum=int(low) if high else None,
        maximum=int(high) if high else None,
    )
