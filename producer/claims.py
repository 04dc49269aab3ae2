"""Claims the symbols of which this producer is the standby or the first source.

The API grants a claim (docs/decisions/0361-a-standby-claims-its-turn.md) if the stored prices show
that the first source is silent in an open market. A producer claims a symbol only while it receives
the symbol's prices.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.ticks import family
from producer.addresses import may_carry_keys
from producer.errors import ProducerError, UsageError
from producer.source_plans import SourcePlans
from producer.status import Status

CLAIM_SECONDS = 30.0
STEADY_SECONDS = 600.0
"""For how long a first source has to send prices before it claims its symbols back."""

MOST_SYMBOLS = 100
API_URL, API_TOKEN = "TICKTAPE_API_URL", "TICKTAPE_TOKEN"

Ask = Callable[[str, Sequence[str]], Sequence[str]]
"""Claims symbols for a source; returns those that were granted. Raises ProducerError, OSError."""


class Answer(msgspec.Struct):
    """The API's answer for one symbol. Fields that are not listed here are ignored."""

    symbol: str
    granted: bool


class Answers(msgspec.Struct):
    """The API's answers for all claimed symbols."""

    symbols: list[Answer]


class Claims:
    """Claims symbols at the API for one producer. `now` returns monotonic seconds."""

    def __init__(
        self, own: str, ask: Ask, status: Status, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.plans = SourcePlans(own, heard=self.heard)
        self._own = own
        self._ask = ask
        self._status = status
        self._now = now
        self._runs: dict[str, tuple[float, float]] = {}

    def heard(self, symbol: str) -> None:
        """Record that a live tick came, if this producer may claim the tick's symbol. After a pause
        longer than the standby's `after_seconds` the time of steady ticks starts again."""
        standby = self.plans.standby_of(symbol)
        if standby is None:
            return
        now = self._now()
        since, last = self._runs.get(symbol, (now, now))
        self._runs[symbol] = (since if now - last <= standby.after_seconds else now), now

    def due(self) -> list[str]:
        """Return the symbols to claim: their ticks come steadily, but another source is current."""
        return [symbol for symbol, run in list(self._runs.items()) if self._is_due(symbol, *run)]

    def claim(self) -> None:
        """Claim the due symbols and report which were granted. A failure is reported and ends the
        call. The next call claims all due symbols again."""
        due = self.due()
        for at in range(0, len(due), MOST_SYMBOLS):
            try:
                granted = self._ask(self._own, due[at : at + MOST_SYMBOLS])
            except (ProducerError, OSError) as error:
                self._status.problem(f"symbols cannot be claimed for {self._own}: {error}", error)
                return
            if granted:
                self._status.note(f"{', '.join(granted)}: {self._own} has its turn soon")

    def run(self, stop: threading.Event) -> None:
        """Claim the due symbols every CLAIM_SECONDS until `stop` is set."""
        while not stop.wait(CLAIM_SECONDS):
            self.claim()

    def start(self) -> None:
        """Start a daemon thread that claims symbols until the process ends."""
        run = partial(self.run, threading.Event())
        threading.Thread(target=run, name="claims", daemon=True).start()

    def _is_due(self, symbol: str, since: float, last: float) -> bool:
        standby, current = self.plans.standby_of(symbol), self.plans.last_source(symbol)
        if standby is None or current is None or family(current) == family(self._own):
            return False
        is_first = family(self._own) == family(standby.first)
        after = float(standby.after_seconds)
        least = max(after, STEADY_SECONDS) if is_first else after
        return self._now() - last <= after and last - since >= least


def claims_of(own: str, status: Status, environ: Mapping[str, str] = os.environ) -> Claims | None:
    """Return the claims of a producer, or None if its environment names neither the API nor a key.
    Raises UsageError if only one of the two is set, or if keys must not be sent to the API's
    address."""
    url, token = environ.get(API_URL, ""), environ.get(API_TOKEN, "")
    if not (url or token):
        return None
    if not (url and token):
        raise UsageError(f"{API_URL} and {API_TOKEN} are needed together")
    if not may_carry_keys(url):
        raise UsageError(
            f"{API_URL}: https:// is needed, or http:// on this machine, without a user"
        )
    return Claims(own, partial(asked, url, token), status)


def asked(url: str, token: str, source: str, symbols: Sequence[str]) -> list[str]:
    """Claim symbols at the API and return those that were granted. Raises ProducerError if the API
    refuses, OSError if the network fails."""
    from producer.sources.pushed.http import Http, Unusable

    key = {"Authorization": f"Bearer {token}"}
    http = Http("the API", url, key)
    body = http.post("/standby", {"source": source, "symbols": list(symbols)})
    try:
        answers = msgspec.json.decode(body, type=Answers)
    except UNREADABLE as error:
        raise Unusable(f"the API gives an unreadable answer: {error}") from error
    return [one.symbol for one in answers.symbols if one.granted]
