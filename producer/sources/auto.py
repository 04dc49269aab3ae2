"""`--source auto`: Yahoo if it answers, else the simulator."""

from __future__ import annotations

import queue
import threading
import time

from producer.reasons import is_network, reason
from producer.sources import yahoo
from producer.status import Status

DEADLINE_SECONDS = 5.0
IMPORT_SECONDS = 15.0
_PROBE = "AAPL"
_INSTEAD = "Showing simulated prices instead."
_IMPORTED, _ANSWERED = "imported", "answered"


def yahoo_answers(
    status: Status, stop: threading.Event, deadline_seconds: float = DEADLINE_SECONDS
) -> bool:
    """Return whether Yahoo gives one quote within the deadline.

    The deadline starts after yfinance is imported, which takes seconds on a busy machine.
    """
    status.say("asking Yahoo")
    said: queue.Queue[Exception | str] = queue.Queue()
    threading.Thread(target=_ask, args=(said,), name="yahoo-probe", daemon=True).start()
    answer = _next(said, IMPORT_SECONDS, stop)
    if answer == _IMPORTED:
        answer = _next(said, deadline_seconds, stop)
    if answer == _ANSWERED:
        status.note(yahoo.TERMS)
        return True
    if isinstance(answer, Exception):
        status.note(f"{_failed(answer)}. {_INSTEAD}", answer)
    else:
        status.note(f"Yahoo did not answer within {deadline_seconds:g} s. {_INSTEAD}")
    return False


def _failed(error: Exception) -> str:
    what = "cannot be reached" if is_network(error) else "gives no prices"
    return f"Yahoo {what}: {reason(error)}"


def _next(
    said: queue.Queue[Exception | str], seconds: float, stop: threading.Event
) -> Exception | str | None:
    """Return the next result; None after the deadline or once `stop` is set."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not stop.is_set():
        try:
            return said.get(timeout=0.1)
        except queue.Empty:
            continue
    return None


def _ask(said: queue.Queue[Exception | str]) -> None:
    try:
        yahoo.library()
        said.put(_IMPORTED)
        yahoo.quote(_PROBE, DEADLINE_SECONDS)
    except Exception as error:  # noqa: BLE001 - any failure means no answer
        said.put(error)
    else:
        said.put(_ANSWERED)
