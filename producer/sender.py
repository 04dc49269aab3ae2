"""The sender: takes records from the outbox and sends them until the sink acknowledges them.

It sends one request at a time with one record per key. So a partly refused request cannot change
the order within a key, which PutRecords does not preserve.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

from producer.backoff import Backoff
from producer.errors import LeaseOver, ReaderGone, SinkRefused, SinkUnavailable
from producer.outbox import Outbox
from producer.records import Record
from producer.sinks.base import Sink
from producer.status import Status

_FIRST_RETRY_SECONDS = 0.025
_MOST_RETRY_SECONDS = 5.0
_FIRST_AWAY_SECONDS = 0.1


class Sender(threading.Thread):
    """The thread that sends the outbox's records.

    It runs until the outbox is drained, `abort` is called or the sink refuses for good. Then
    `ended` is set. `refusal` is the sink's permanent refusal and `fault` an unexpected error; both
    are None otherwise. `reader_gone` says whether the reader of the sink's output has gone.
    """

    def __init__(self, outbox: Outbox, sink: Sink, status: Status, rng: random.Random) -> None:
        super().__init__(name="sender", daemon=True)
        self._outbox = outbox
        self._sink = sink
        self._status = status
        self._rng = rng
        self._away = Backoff(_FIRST_AWAY_SECONDS, _MOST_RETRY_SECONDS, rng)
        self._failing: dict[str, Backoff] = {}
        self._not_before: dict[str, float] = {}
        self._aborted = threading.Event()
        self._took_anything = False
        self.refusal: SinkRefused | None = None
        self.reader_gone = False
        self.fault: Exception | None = None
        self.ended = threading.Event()

    def abort(self) -> None:
        """Stop without sending the remaining lines. Does not wait for a request in flight."""
        self._aborted.set()

    def run(self) -> None:
        """Send until the outbox is drained, `abort` is called or an error occurs. Errors are
        kept."""
        try:
            while not (self._aborted.is_set() or self._outbox.is_drained):
                self._step()
        except SinkRefused as error:
            self.refusal = error
        except ReaderGone:
            self.reader_gone = True
        except LeaseOver:
            pass  # the outbox keeps the unsent lines
        except Exception as error:  # noqa: BLE001 - a bug, raised again by the main thread
            self.fault = error
        finally:
            self.ended.set()

    def _step(self) -> None:
        records = self._outbox.take(self._sink.limits, self._is_ready)
        if not records:
            self._outbox.wait(0.02 if self._failing else 0.5)
            return
        try:
            refused = self._sink.send(records)
        except SinkUnavailable as error:
            self._wait_for_sink(error)
        except SinkRefused as error:
            if not self._took_anything:
                raise
            self._wait_for_sink(error)
        else:
            self._away.succeeded()
            self._settle(records, refused)

    def _is_ready(self, key: str) -> bool:
        moment = self._not_before.get(key)
        return moment is None or time.monotonic() >= moment

    def _wait_for_sink(self, error: Exception) -> None:
        delay = self._away.failed()
        self._status.problem(f"{error}; trying again", error)
        self._aborted.wait(delay)

    def _settle(self, records: Sequence[Record], refused: Sequence[str | None]) -> None:
        """Acknowledge the accepted records, and schedule the refused records for another
        attempt."""
        taken = [record for record, why in zip(records, refused, strict=True) if why is None]
        self._outbox.acknowledge(taken)
        share = self._rng.random()
        for record, why in zip(records, refused, strict=True):
            if why is None:
                self._failing.pop(record.key, None)
                self._not_before.pop(record.key, None)
            else:
                self._hold_back(record.key, share)
        if taken:
            self._took_anything = True
            self._status.sent(taken)
        retried = len(records) - len(taken)
        if retried:
            self._status.refused(retried, next(why for why in refused if why))

    def _hold_back(self, key: str, share: float) -> None:
        backoff = self._failing.get(key)
        if backoff is None:
            backoff = Backoff(_FIRST_RETRY_SECONDS, _MOST_RETRY_SECONDS, self._rng)
            self._failing[key] = backoff
        self._not_before[key] = time.monotonic() + backoff.failed(share)
