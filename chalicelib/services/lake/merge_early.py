"""Merges hours of many batches soon after they are over, before compaction's statements read them.

Each statement of compaction would ask S3 for every batch. At 5,000 symbols each second an hour has
25,000 of them and more, so that these requests cost several times what the bytes cost.
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
"""The batches from which on an hour is merged early: what S3 lists in one answer. Fewer are merged
once their day is compacted, when no reader of `all_ticks` needs them any more."""

SETTLED = timedelta(hours=1)
"""An hour's batches are complete this long after it, unless ingest is behind."""


class MergeEarly:
    """The step before the survey, under compaction's lease. `need` raises OutOfTime where less
    time is left than it is given, in seconds."""

    def __init__(self, raw: RawObjects, progress: Progress, need: Callable[[float], None]) -> None:
        self._raw = raw
        self._progress = progress
        self._need = need
        self._merge = Merge(raw, need, progress.merges)
        self._merge_again = Merge(raw, need, partial(progress.merges, again=True))

    def __call__(self, first: str, now: datetime, merged: Merged) -> None:
        """Merge the hours that have many batches, from a date of arrival on. Counts in `merged`.

        The next survey reads these hours as a whole, which is recorded before anything is merged.
        Raises OutOfTime and what Merge does.
        """
        last = now - SETTLED - timedelta(hours=1)
        with self._progress.merging():
            for hour in self._raw.hours(first, last.date().isoformat(), to_text(now - OVERLAP)):
                self._need(SHORTEST_SECONDS)
                if self._is_due(hour, to_text(last)[:13]):
                    self._merge.one(hour, merged)

    def again(self, first: str, now: datetime, merged: Merged) -> None:
        """Merge the hours, from a date of arrival on, where one run died: they come last, so that
        one that dies there again has done everything else. Raises what a call does."""
        for hour in self._progress.broken_off(first):
            self._need(SHORTEST_SECONDS)
            log.warning("raw objects of %s are merged again: a run died merging them", hour)
            with self._progress.merging():
                for found in self._raw.hours(hour[:10], hour[:10], to_text(now - OVERLAP)):
                    if found.hour == hour:
                        self._merge_again.one(found, merged)
                self._progress.mended(hour)

    def _is_due(self, hour: RawHour, last: str) -> bool:
        """`last` is the last hour that has settled."""
        return bool(hour.hour) and hour.hour <= last and batches(hour) >= MANY
