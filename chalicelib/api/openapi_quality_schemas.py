"""Schemas of a series' quality in the OpenAPI document."""

from __future__ import annotations

from chalicelib.api.openapi_forms import SYMBOL, array, record, ref
from chalicelib.api.openapi_schemas import LABELS
from chalicelib.api.openapi_structs import Schema, properties_of, record_of
from chalicelib.domain.quality import Delays, Gap, Jump, SessionQuality
from chalicelib.services.market_data.quality import QualityAnswer

_LISTS = {
    "sessions": array(ref("SessionQuality"), "Sessions with minutes in the range."),
    "gaps": array(ref("Gap"), "In order; empty if the hours are unknown."),
    "jumps": array(ref("Jump"), "In order."),
    "sources": array(
        ref("Switch"), "The first bar's source, then each later one with its first bar."
    ),
    "delays": ref("Delays"),
}

QUALITY_SCHEMAS: dict[str, Schema] = {
    "SessionQuality": record_of(SessionQuality, "The minutes of one session."),
    "Gap": record_of(Gap, "Consecutive minutes of trading without a tick."),
    "Jump": record_of(Jump, "A bar with a price far from the close of the bar before."),
    "Delays": record_of(Delays, "Seconds from the timestamps of ticks to their arrival."),
    "Quality": record({"symbol": SYMBOL, **LABELS, **properties_of(QualityAnswer), **_LISTS}),
}
