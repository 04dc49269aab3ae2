"""The changes of symbols that are pushed to pages: the fields of a quote, running bars and new
alerts. Fields are named as in the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.messages import machine_form
from chalicelib.services.market_data.answers import BarRow, Quote

_UNUSED = ("as_of", "delay_seconds", "adjustment", "moving_average")
"""Fields of a quote that the page derives from other fields or does not show."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A symbol's newest values after the writes `first` to `version` of its state.

    A reader has missed writes unless its last version is `first` - 1. `repairs` is the state's
    count of repairs. If it has grown, finished bars have changed too. `minutes` has the 1m bars
    that were running at these writes, in order. `day` is the running daily bar.
    """

    symbol: str
    first: int
    version: int
    repairs: int
    quote: dict[str, Any]
    minutes: tuple[BarRow, ...] = ()
    day: BarRow | None = None
    alerts: tuple[dict[str, Any], ...] = ()


def changes_of(states: Iterable[State], quote_of: Callable[[State], Quote]) -> list[Change]:
    """Return one change for each symbol that has a price. The states of a symbol must be in the
    order of their versions."""
    written: dict[str, list[State]] = {}
    for state in states:
        if state.last is not None:
            written.setdefault(state.symbol, []).append(state)
    return [_change(each, quote_of(each[-1])) for each in written.values()]


def _change(states: Sequence[State], quote: Quote) -> Change:
    newest = states[-1]
    minutes = {bar.key: bar for state in states for bar in state.minutes}
    alerts = {alert.alert_id: alert for state in states for alert in state.pending}
    fields = quote.shown().items()
    return Change(
        symbol=newest.symbol,
        first=states[0].version,
        version=newest.version,
        repairs=newest.repairs,
        quote={name: value for name, value in fields if value is not None and name not in _UNUSED},
        minutes=tuple(BarRow.of(minutes[key]) for key in sorted(minutes)),
        day=BarRow.of(newest.day) if newest.day else None,
        alerts=tuple(
            machine_form(alert) | {"quiet": alert.quiet or None} for alert in alerts.values()
        ),
    )
