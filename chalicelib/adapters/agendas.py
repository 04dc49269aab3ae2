"""The agendas of channels, in the alerts table, under keys that no symbol has."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.adapters.dynamodb import Item, item_of, key_range, number, text
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.agendas import MARGIN_SECONDS, key_of
from chalicelib.domain.digests import Digest
from chalicelib.domain.times import epoch_seconds, from_text, is_canonical, later

KEPT_DAYS = 30
"""How many days items are kept. For a timer's note or a digest they count from its instant, for a
member or a head without members from when its digest is due."""

PAGE = 50
"""The most digests of one Query; usually more than fall due between two messages of a timer."""

_FIRST_INSTANT = "0"
"""A range key that sorts after the timer's key and before every instant."""

log = logging.getLogger("ticktape.deliver")


class Agendas(TableAccess):
    """Implements AgendaStore on DynamoDB's alerts table."""

    def enter(self, digest: Digest) -> None:
        """See AgendaStore.enter."""
        item = _key(digest) | item_of(expires_at=expiry(digest.until))
        self._client.put_item(TableName=self._table, Item=item)

    def leave(self, digest: Digest) -> None:
        """See AgendaStore.leave."""
        self._client.delete_item(TableName=self._table, Key=_key(digest))

    def waiting(self, channel: str) -> Iterator[Digest]:
        """See AgendaStore.waiting. Each page is queried when it is needed."""
        reach = key_range("symbol", key_of(channel), "timestamp_rule", _FIRST_INSTANT, None)
        for items, _ in self._query(ConsistentRead=True, Limit=PAGE, **reach):
            for item in items:
                until = item["timestamp_rule"]["S"]
                if _is_instant(until):
                    yield Digest(channel, until)
                else:
                    log.warning("a digest of an agenda cannot be read: %r", until)

    def timer_at(self, channel: str) -> str | None:
        """See AgendaStore.timer_at."""
        found = self._read(_timer_key(channel)).get("timer_at", {}).get("S")
        return found if found and _is_instant(found) else None

    def note_timer(self, channel: str, at: str) -> None:
        """See AgendaStore.note_timer."""
        self._write_if(
            Key=_timer_key(channel),
            UpdateExpression="SET timer_at = :at, expires_at = :expiry",
            ConditionExpression="attribute_not_exists(timer_at) OR timer_at < :at"
            " OR timer_at > :wrong",
            ExpressionAttributeValues={
                ":at": text(at),
                ":wrong": text(later(at, seconds=MARGIN_SECONDS)),
                ":expiry": number(expiry(at)),
            },
        )


def _is_instant(given: str) -> bool:
    try:
        from_text(given)
    except ValueError:
        return False
    return is_canonical(given)


def expiry(at: str) -> int:
    """Return the epoch second at which an item that is needed until `at` expires."""
    return epoch_seconds(later(at, seconds=timedelta(days=KEPT_DAYS).total_seconds()))


def _key(digest: Digest) -> Item:
    return item_of(symbol=key_of(digest.channel), timestamp_rule=digest.until)


def _timer_key(channel: str) -> Item:
    return item_of(symbol=key_of(channel), timestamp_rule="#timer")
