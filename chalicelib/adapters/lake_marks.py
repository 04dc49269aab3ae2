"""Stores the CompactionState as parameters of a view in Glue: strings of at most 512,000 bytes."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.services.lake import compact_due
from chalicelib.services.lake.stores import CompactionState


def parameters_of(marks: CompactionState) -> dict[str, str]:
    """Return the marks that are not None as a view's parameters. `due` and `bars_due` are JSON
    (compact_due.py). `lately`, `months`, `unsurveyed` and `merging` are comma-separated."""
    made = {
        "lately": ",".join(sorted(marks.lately)),
        "months": ",".join(marks.months),
        "unsurveyed": ",".join(marks.unsurveyed),
        "merging": ",".join(marks.merging),
    }
    if marks.bars_due is not None:
        made["bars_due"] = compact_due.encode(marks.bars_due)
    if marks.compacted_until is not None:
        made["compacted_until"] = marks.compacted_until
    if marks.surveyed_until is not None:
        made["surveyed_until"] = marks.surveyed_until
    if marks.due is not None:
        made["due"] = compact_due.encode(marks.due)
    return made


def marks_of(parameters: Mapping[str, str]) -> CompactionState:
    """Return the marks in a view's parameters, which an earlier version may have written."""
    return CompactionState(
        compacted_until=parameters.get("compacted_until"),
        surveyed_until=parameters.get("surveyed_until"),
        lately=frozenset(_divided(parameters, "lately")),
        months=_divided(parameters, "months"),
        unsurveyed=_divided(parameters, "unsurveyed"),
        merging=_divided(parameters, "merging"),
        due=_arrivals(parameters.get("due")),
        bars_due=_arrivals(parameters.get("bars_due")),
    )


def _divided(parameters: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, parameters.get(name, "").split(",")))


def _arrivals(text: str | None) -> dict[str, tuple[str, ...]] | None:
    return None if text is None else compact_due.decode(text)
