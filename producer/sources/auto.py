"""`--source auto`: takes Yahoo if it answers, else Coinbase if it has the symbols, else the
simulator."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence

from producer.reasons import is_network, reason
from producer.sources import yahoo
from producer.status import Status

DEADLINE_SECONDS = 5.0
IMPORT_SECONDS = 15.0
_PROBE = "AAPL"
_SIMULATED = "Showing simulated prices instead."
_COINBASE = "Asking Coinbase instead."
_IMPORTED, _ANSWERED = "imported", "answered"

Said = queue.Queue[Exception | str]


def first_to_answer(
    status: Status, stop: threading.Event, symbols: Sequence[str], history_url: str | None = None
) -> str:
    """Return the source to use: yfinance, coinbase or simulator. Coinbase is asked only if it can
    have all of `symbols`, which are those of the command line."""
    from producer.sources import coinbase

    is_apt = all(coinbase.listing_of(symbol) is not None for symbol in symbols)
    instead = _COINBASE if is_apt else _SIMULATED
    if yahoo_answers(status, stop, instead):
        return "yfinance"
    if is_apt and coinbase_answers(status, stop, history_url):
        return coinbase.NAME
    return "simulator"


def yahoo_answers(status: Status, stop: threading.Event, instead: str = _SIMULATED) -> bool:
    """Return whether Yahoo gives one quote within the deadline. The deadline starts after yfinance
    is imported, since that takes seconds on a busy machine."""
    if not _answers("Yahoo", _ask, status, stop, instead):
        return False
    status.note(yahoo.TERMS)
    return True


def _ask(said: Said) -> None:
    yahoo.library()
    said.put(_IMPORTED)
    yahoo.quote(_PROBE, DEADLINE_SECONDS)


def coinbase_answers(status: Status, stop: threading.Event, history_url: str | None = None) -> bool:
    """Return whether Coinbase gives candles within the deadline."""
    from producer.sources import coinbase

    def ask(said: Said) -> None:
        said.put(_IMPORTED)
        coinbase.answers(history_url)

    if not _answers("Coinbase", ask, status, stop, _SIMULATED):
        return False
    status.note("Coinbase answers: showing its prices of crypto pairs")
    return True


def _answers(
    service: str,
    ask: Callable[[Said], None],
    status: Status,
    stop: threading.Event,
    instead: str,
) -> bool:
    """Return whether `ask` returns within the deadline, which starts when it reports _IMPORTED."""
    said: Said = queue.Queue()

    def run() -> None:
        try:
            ask(said)
        except Exception as error:  # noqa: BLE001 - any failure means no answer
            said.put(error)
        else:
            said.put(_ANSWERED)

    status.say(f"asking {service}")
    threading.Thread(target=run, name=f"{service.lower()}-probe", daemon=True).start()
    answer = _next(said, IMPORT_SECONDS, stop)
    if answer == _IMPORTED:
        answer = _next(said, DEADLINE_SECONDS, stop)
    if answer == _ANSWERED:
        return True
    if isinstance(answer, Exception):
        status.note(f"{_failed(service, answer)}. {instead}", answer)
    else:
        status.note(f"{service} did not answer within {DEADLINE_SECONDS:g} s. {instead}")
    return False


def _failed(service: str, error: Exception) -> str:
    what = "cannot be reached" if is_network(error) else "gives no prices"
    return f"{service} {what}: {reason(error)}"


def _next(said: Said, seconds: float, stop: threading.Event) -> Exception | str | None:
    """Return what a probe reports next; None after the deadline or once `stop` is set."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not stop.is_set():
        try:
            return said.get(timeout=0.1)
        except queue.Empty:
            continue
    return None
