"""An invocation's counts in the log, from which CloudWatch makes metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.metric_lines import embedded

log = logging.getLogger("ticktape.metrics")


def emit(
    function: str, stage: str, counters: Mapping[str, float], now: datetime, **properties: str
) -> None:
    """Log the non-zero counters, with `properties`, texts for searching the log. Does nothing if
    all counters are zero.

    The log record also has them as `counters` and `properties`.
    """
    counted = {name: value for name, value in counters.items() if value}
    if counted:
        line = embedded(function, stage, counted, now, **properties)
        log.info(line, extra={"counters": counted, "properties": properties})
