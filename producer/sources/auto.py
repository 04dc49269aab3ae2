"""`--source auto`: Yahoo where it answers, the simulator where it does not."""

from __future__ import annotations

import queue
import threading
import time

from producer.sources import yahoo
from producer.status import Status

DEADLINE_SECONDS = 5.0
_PROBE = "AAPL"


def yahoo_answers(
    status: Status, stop: threading.Event, deadline_seconds: float = DEADLINE_SECONDS
) -> bool:
    """Whether Yahoo gives one quote within the deadline (importing yfinance included)."""
    answers: queue.Queue[Exception | None] = queue.Queue()
    threading.Thread(target=_ask, args=(answers,), name="yahoo-probe", daemon=True).start()
    ends = time.monotonic() + deadline_seconds
    while time.monotonic() < ends and not stop.is_set():
        try:
            error = answers.get(timeout=0.1)
        except queue.Empty:
            continue
        if error is None:
            status.note(yahoo.TERMS)
            return True
        status.note(f"Yahoo does not answer ({yahoo.brief(error)}): simulated prices instead")
        return False
    status.note(f"Yahoo did not answer within {deadline_seconds:g} s: simulated prices instead")
    return False


def _ask(answers: queue.Queue[Exception | None]) -> None:
    try:
        yahoo.quote(_PROBE, DEADLINE_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever it is, Yahoo did not answer
        answers.put(error)
    else:
        answers.put(None)
