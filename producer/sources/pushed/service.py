"""What a pushed source has to know of its service."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from producer.sources.pushed.action_questions import Told
from producer.sources.pushed.feed import Feed
from producer.sources.pushed.history import History
from producer.sources.pushed.so_far import Listing


class Service(msgspec.Struct, frozen=True):
    """A service: its feed and history, what its symbols share, and its requests per second.

    `listing` returns None for symbols that the service cannot have. `split_today` returns the split
    that the service lists for a symbol's last session; it is None for a service that is not asked
    for splits. `actions` returns the splits and dividends of a symbol up to an instant; it is None
    if the service has none.
    """

    name: str
    feed: Feed
    history: History
    listing: Callable[[str], Listing | None]
    requests_per_second: float
    split_today: Callable[[str], str | None] | None = None
    actions: Told | None = None
