"""Compaction's marks as parameters of the view in Glue: texts of at most 512,000 bytes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chalicelib.services.lake_stores import Marks


def parameters_of(marks: Marks) -> dict[str, str]:
    """All marks that are not None. `due` and `bars_due` are JSON,
    `lately` and `months` are divided by commas."""
    made = {"lately": ",".join(sorted(marks.lately)), "months": ",".join(marks.months)}
    if marks.bars_due is not None:
        made["bars_due"] = msgspec.json.encode(dict(marks.bars_due)).decode()
    if marks.compacted_until is not None:
        made["compacted_until"] = marks.compacted_until
    if marks.surveyed_until is not None:
        made["surveyed_until"] = marks.surveyed_until
    if marks.due is not None:
        made["due"] = msgspec.json.encode(dict(marks.due)).decode()
    return made


def marks_of(parameters: Mapping[str, str]) -> Marks:
    """The marks that `parameters_of` wrote, or an earlier version."""
    return Marks(
        compacted_until=parameters.get("compacted_until"),
        surveyed_until=parameters.get("surveyed_until"),
        lately=frozenset(filter(None, parameters.get("lately", "").split(","))),
        months=tuple(filter(None, parameters.get("months", "").split(","))),
        due=_arrivals(parameters.get("due")),
        bars_due=_arrivals(parameters.get("bars_due")),
    )


def _arrivals(text: str | None) -> dict[str, tuple[str, ...]] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, tuple[str, ...]])
