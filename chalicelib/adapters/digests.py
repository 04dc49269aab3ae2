"""Digests and the windows of channels' limits, in the alerts table, under keys that no symbol has.

A digest's head and its members share a partition. Heads are kept like alerts, since receipts refer
to them; members expire.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import msgspec

from chalicelib.adapters.agendas import Agendas, expiry
from chalicelib.adapters.deliveries import (
    OPEN,
    PREFIX,
    TAKEN,
    encoded,
    key_of,
    replacement,
)
from chalicelib.adapters.dynamodb import Item, item_of, key_range
from chalicelib.adapters.table_access import (
    CONFLICT,
    MOST_TRANSACTED,
    REFUSED,
    TableAccess,
    refusals,
)
from chalicelib.domain.deliveries import Delivery, ended
from chalicelib.domain.digests import EMPTY, Digest, Member, opened
from chalicelib.domain.holding import Window
from chalicelib.domain.times import from_text
from chalicelib.services.delivery.stores import Refusals, StoredWindow, ToHold

CHUNK = (MOST_TRANSACTED - 1) // 2
"""The most alerts in one transaction: each alert takes two writes, and the head takes one."""

_FIRST_MEMBER = "0"
"""A range key that sorts after the head's key and before every member's key."""

log = logging.getLogger("ticktape.deliver")

_encoder = msgspec.json.Encoder()
_member = msgspec.json.Decoder(Member)
_window = msgspec.json.Decoder(Window)


class Digests(TableAccess):
    """Implements DigestStore on DynamoDB's alerts table."""

    chunk = CHUNK

    def __init__(self, client: Any, table: str) -> None:
        super().__init__(client, table)
        self.agendas = Agendas(client, table)

    def open(self, digest: Digest) -> bool:
        """See DigestStore.open."""
        return self._put_head(digest, item_of(outbox=OPEN), opened(digest))

    def close_empty(self, digest: Digest, now: str) -> bool:
        """See DigestStore.close_empty."""
        kept = item_of(outbox=TAKEN, expires_at=expiry(digest.until))
        return self._put_head(digest, kept, ended(opened(digest), "dead", now, EMPTY))

    def _put_head(self, digest: Digest, attributes: Item, delivery: Delivery) -> bool:
        given = {PREFIX + digest.channel: {"S": encoded(delivery)}}
        return self._write_if(
            Item=key_of(digest) | attributes | given,
            ConditionExpression="attribute_not_exists(symbol)",
        )

    def hold(self, digest: Digest, held: Sequence[ToHold]) -> Refusals:
        """See DigestStore.hold. One TransactWriteItems."""
        writes = [self._joined_head(digest, len(held))]
        for one in held:
            alert = one.stored.alert
            update = {"TableName": self._table, **replacement(alert, None, one.delivery)}
            writes.append({"Update": update})
            writes.append({"Put": {"TableName": self._table, "Item": _item(digest, one.member)}})
        codes = refusals(self._client, writes)
        refused = frozenset(at for at, code in enumerate(codes[1::2]) if code == REFUSED)
        return Refusals(
            made=not codes,
            closed=bool(codes) and codes[0] == REFUSED,
            alerts=refused,
            contended=CONFLICT in codes,
        )

    def _joined_head(self, digest: Digest, count: int) -> dict[str, Any]:
        """Return the write that adds `count` to a digest's members and fails if the digest is
        closed. A head with another delivery than a new digest's would never be sent. A head whose
        count is not a number would fail every write. Both count as closed."""
        values = {
            ":n": {"N": str(count)},
            ":open": {"S": OPEN},
            ":opened": {"S": encoded(opened(digest))},
            ":none": {"N": "0"},
        }
        return {
            "Update": {
                "TableName": self._table,
                "Key": key_of(digest),
                "UpdateExpression": "ADD members :n",
                "ConditionExpression": "outbox = :open AND #delivery = :opened"
                " AND (attribute_not_exists(members) OR members >= :none)",
                "ExpressionAttributeNames": {"#delivery": PREFIX + digest.channel},
                "ExpressionAttributeValues": values,
            }
        }

    def members(self, digest: Digest) -> Iterator[Member]:
        """See DigestStore.members. Each page is queried when the caller reaches it."""
        reach = key_range("symbol", digest.symbol, "timestamp_rule", _FIRST_MEMBER, None)
        reach |= {"ConsistentRead": True, "ScanIndexForward": False}
        pages = self._query(**reach)
        for items, _ in pages:
            yield from _readable_members(digest, items)

    def window(self, channel: str) -> StoredWindow:
        """See DigestStore.window."""
        stored = self._read(_limit_key(channel)).get("limit_window")
        return StoredWindow(_readable_window(channel, stored), stored)

    def count(self, channel: str, before: StoredWindow, after: Window) -> bool:
        """See DigestStore.count."""
        values = {":after": {"S": _encoder.encode(after).decode()}}
        condition = "attribute_not_exists(limit_window)"
        if before.stored is not None:
            condition = "limit_window = :before"
            values[":before"] = cast("dict[str, str]", before.stored)
        return self._write_if(
            Key=_limit_key(channel),
            UpdateExpression="SET limit_window = :after",
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )


def _readable_window(channel: str, stored: Any) -> Window | None:
    if stored is None:
        return None
    try:
        found = _window.decode(stored["S"])
        from_text(found.start)
    except (KeyError, ValueError, RecursionError) as error:
        log.warning("the window of the limit of %s cannot be read: %s", channel, error)
        return None
    return found


def _readable_members(digest: Digest, items: Iterable[Item]) -> Iterator[Member]:
    for item in items:
        try:
            found = _member.decode(item["member"]["S"])
            from_text(found.timestamp)
        except (KeyError, ValueError, RecursionError) as error:
            log.warning("an alert in %s cannot be read: %s", digest.symbol, error)
            continue
        yield found


def _item(digest: Digest, member: Member) -> Item:
    place = f"{member.timestamp}#{member.symbol}#{member.rule_id}"
    return item_of(
        symbol=digest.symbol,
        timestamp_rule=place,
        member=_encoder.encode(member).decode(),
        expires_at=expiry(digest.until),
    )


def _limit_key(channel: str) -> Item:
    return item_of(symbol=f"limit:{channel}", timestamp_rule="#window")
