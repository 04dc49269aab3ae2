"""Draw pictures of alerts for channels that send pictures. A picture is drawn once, when the first
channel asks for it. No message waits long for a picture, or fails for lack of one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

from chalicelib.domain.alerts import TEST_CONDITION, Alert, StoredAlert
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF
from chalicelib.domain.messages import Picture
from chalicelib.domain.sessions import Calendar, calendar_for
from chalicelib.domain.times import from_text, just_after, to_text
from chalicelib.services.stores import BarStore

log = logging.getLogger("ticktape.deliver")

PICTURE_SECONDS = 3.0
"""How long an attempt waits for its picture. The wait is part of the attempt's time."""

MOST_FAILED = 3
"""After this many pictures have failed or come late, an invocation draws no more."""

MOST_ATTEMPTS = 3
"""Only this many attempts of a delivery have a picture. Later attempts have none: the picture may
be the reason that they fail."""


class Pictures:
    """The pictures of one invocation. `failed` counts the pictures that failed or came late."""

    def __init__(self, bars: BarStore, seconds: float = PICTURE_SECONDS) -> None:
        self._bars = bars
        self._seconds = seconds
        self._lock = threading.Lock()
        self._drawn: dict[str, Future[bytes | None]] = {}
        self.failed = 0

    def of(self, stored: StoredAlert, attempt: int) -> Picture:
        """Return a function that returns the picture of an alert for attempt number `attempt`,
        counted from 1. The function returns None if the message is to be sent without a picture."""
        if stored.alert.condition == TEST_CONDITION or attempt > MOST_ATTEMPTS:
            return _without
        return lambda: self._wait(stored)

    def _wait(self, stored: StoredAlert) -> bytes | None:
        drawn = self._begun(stored)
        if drawn is None:
            return None
        try:
            return drawn.result(self._seconds)
        except TimeoutError:
            self._note(stored.alert, f"not drawn within {self._seconds:g} s")
        except Exception as error:  # noqa: BLE001 - whatever it is, the message goes without
            self._note(stored.alert, f"not drawn: {type(error).__name__}")
        return None

    def _begun(self, stored: StoredAlert) -> Future[bytes | None] | None:
        """Return an alert's picture as a future. The first call makes another thread draw it.
        Return None if too many pictures have failed."""
        alert_id = stored.alert.alert_id
        with self._lock:
            if alert_id in self._drawn or self.failed >= MOST_FAILED:
                return self._drawn.get(alert_id)
            drawn = self._drawn[alert_id] = Future()
        work = threading.Thread(
            target=_carry_out, args=(drawn, lambda: self._draw(stored)), daemon=True
        )
        work.start()
        return drawn

    def _draw(self, stored: StoredAlert) -> bytes | None:
        from chalicelib.domain.pictures.chart import draw

        calendar = calendar_for(stored.alert.symbol, stored.exchange_timezone)
        return draw(self._read(stored.alert, calendar), stored.alert, calendar.zone)

    def _read(self, alert: Alert, calendar: Calendar) -> list[Bar]:
        """Return the stored bars up to an alert, oldest first. This takes one Query."""
        from chalicelib.domain.pictures.scene import interval_of, stored_needed

        base = BASE_OF[interval_of(alert)]
        end = end_of(alert, base, calendar)
        limit = stored_needed(alert)
        page = self._bars.bars(alert.symbol, base, None, end, limit=limit, descending=True)
        return list(reversed(page.rows))

    def _note(self, alert: Alert, problem: str) -> None:
        """Count a picture that failed or came late. Only the first one of an invocation is
        logged."""
        with self._lock:
            self.failed += 1
            is_first = self.failed == 1
        if is_first:
            log.warning("a message about %s goes without a picture: %s", alert.symbol, problem)


def end_of(alert: Alert, base: str, calendar: Calendar) -> str:
    """Return the end of the range of stored bars that were known when an alert was raised.

    For a rule on ticks, this is the start of the alert's minute, since that minute was still in
    progress. A daily bar is labelled by its session's date.
    """
    if base == "1d":
        day = calendar.session_at(from_text(alert.timestamp)).date
        return f"{day + timedelta(days=1)}T00:00:00.000000Z"
    if alert.interval == "tick":
        return to_text(from_text(alert.timestamp).replace(second=0, microsecond=0))
    return just_after(alert.timestamp)


def _carry_out(drawn: Future[bytes | None], draw: Callable[[], bytes | None]) -> None:
    try:
        drawn.set_result(draw())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        drawn.set_exception(error)


def _without() -> bytes | None:
    return None
