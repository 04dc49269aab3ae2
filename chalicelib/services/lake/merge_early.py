"""Merge hours with many batches soon after they are over, before compaction's statements read them.

Each statement of compaction requests every batch from S3. With 5,000 symbols priced each second, an
hour has 25,000 batches or more. The requests then cost several times as much as the bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.times import to_text
from chalicelib.services.lake.compact_progress import Progress
from chalicelib.services.lake.merge import SHORTEST_SECONDS, Merge, Merged
from chalicelib.services.lake.merge_plan import batches
from chalicelib.services.lake.stores import OVERLAP, RawHour, RawObjects

log = logging.getLogger("ticktape.merge")

MANY = 1000
"""An hour with at least this many batches is merged early. One page of an S3 listing has as many.
Other hours are merged once their day is compacted, when `all_ticks` no longer reads them."""

SETTLED = timedelta(hours=1)
"""An hour's batches are complete this long after its end, unless ingest is behind."""


class MergeEarly:
    """Merges hours with many batches before the survey, under compaction's lease. `need(seconds)`
    raises OutOfTime if less time is left."""

    def __init__(self, raw: RawObjects, progress: Progress, need: Callable[[float], None]) -> None:
        self._raw = raw
        self._progress = progress
        self._need = need
        self._merge = Merge(raw, need, progress.merges)
        self._merge_again = Merge(raw, need, partial(progress.merges, again=True))

    def __call__(self, first: str, now: datetime, merged: Merged) -> None:
        """Merge the hours with many batches, from the date of arrival `first` on. Adds to `merged`.

        Before each merge, records that the next survey must read the whole hour. Raises OutOfTime
        and CompactionError.
        """
        last = now - SETTLED - timedelta(hours=1)
        with self._progress.merging():
            for hour in self._raw.hours(first, last.date().isoformat(), to_text(now - OVERLAP)):
                self._need(SHORTEST_SECONDS)
                if self._is_due(hour, to_text(last)[:13]):
                    self._merge.one(hour, merged)

    def again(self, first: str, now: datetime, merged: Merged) -> None:
        """Merge the hours that one run died merging, from the date of arrival `first` on. Call this
        last: a run that dies here has done everything else. Raises the same errors as
        `__call__`."""
        for hour in self._progress.to_retry(first):
            self._need(SHORTEST_SECONDS)
            log.warning("raw objects of %s are merged again: a run died merging them", hour)
            with self._progress.merging():
                for found in self._raw.hours(hour[:10], hour[:10], to_text(now - OVERLAP)):
                    if found.hour == hour:
                        self._merge_again.one(found, merged)
                self._progress.retried(hour)

    def _is_due(self, hour: RawHour, last: str) -> bool:
        """Return whether an hour is complete and has many batches. `last` is the last complete
        hour."""
        return bool(hour.hour) and hour.hour <= last and batches(hour) >= MANY
