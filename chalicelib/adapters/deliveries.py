"""The deliveries of an alert, stored in the alert's item as one attribute per channel. A write
replaces the attribute only if its old text is still stored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.adapters.dynamodb import Item, count_of, optional_text
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery, check_stored
from chalicelib.domain.digests import StoredDigest, digest_of

if TYPE_CHECKING:
    from chalicelib.services.delivery.stores import Key

log = logging.getLogger("ticktape.deliver")

PREFIX = "delivery_"

NEW, OPEN, TAKEN = "new", "open", "taken"
"""Values of `outbox`: the alert is to be sent, the digest is open, or the first attempt to send has
begun. The stream's filter passes only `new`."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Delivery)


class Deliveries(TableAccess):
    """Implements DeliveryStore on DynamoDB's alerts table."""

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | StoredDigest | None:
        """See DeliveryStore.find."""
        from chalicelib.adapters.alerts import to_stored

        item = self._read(_key(symbol, timestamp, rule_id))
        if not item:
            return None
        return to_stored_digest(item) or to_stored(item)

    def replace(self, key: Key, before: Delivery | None, after: Delivery) -> bool:
        """See DeliveryStore.replace."""
        return self._write_if(**replacement(key, before, after))


def replacement(key: Key, before: Delivery | None, after: Delivery) -> dict[str, Any]:
    """Return the UpdateItem request of DeliveryStore.replace."""
    values = {":after": {"S": encoded(after)}, ":taken": {"S": TAKEN}}
    conditions = ["attribute_exists(symbol)"]
    if before is None:
        conditions.append("attribute_not_exists(#channel)")
        # An earlier version sent alerts within detect and wrote these two attributes.
        conditions.append("(attribute_not_exists(notified_at) OR outbox = :taken)")
        conditions.append("(attribute_not_exists(claimed_until) OR claimed_until < :now)")
        values[":now"] = {"S": after.at}
    else:
        conditions.append("#channel = :before")
        values[":before"] = {"S": encoded(before)}
    changes = "SET #channel = :after, outbox = :taken"
    if after.status == "sent":
        changes += ", notified_at = if_not_exists(notified_at, :at)"
        values[":at"] = {"S": after.at}
    return {
        "Key": key_of(key),
        "UpdateExpression": changes,
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {"#channel": PREFIX + after.channel},
        "ExpressionAttributeValues": values,
    }


def deliveries_of(item: Item) -> tuple[Delivery, ...]:
    """Return the readable deliveries in the item of an alert or a digest, sorted by channel id."""
    names = sorted(name for name in item if name.startswith(PREFIX))
    found = (_delivery(item, name) for name in names)
    return tuple(one for one in found if one is not None)


def _delivery(item: Item, name: str) -> Delivery | None:
    try:
        found = _decoder.decode(item[name]["S"])
        check_stored(found)
    except (KeyError, ValueError, RecursionError) as error:
        log.warning("%s of an alert cannot be read: %s", name, error)
        return None
    return found


def to_stored_digest(item: Item) -> StoredDigest | None:
    """Return the digest of a head's item; None for an alert's item. A head whose count of members
    cannot be increased counts as closed."""
    digest = digest_of(item["symbol"]["S"])
    if digest is None:
        return None
    is_open = optional_text(item, "outbox") == OPEN and _takes_members(item)
    notified_at = optional_text(item, "notified_at")
    members = count_of(item, "members")
    return StoredDigest(digest, is_open, deliveries_of(item), notified_at, members)


def _takes_members(item: Item) -> bool:
    """Return whether the count of members is absent or a number of at least 0. DynamoDB checks the
    same when alerts join the digest."""
    count = item.get("members", {"N": "0"})
    return "N" in count and not count["N"].startswith("-")


def encoded(delivery: Delivery) -> str:
    """Return a delivery as the text of its attribute."""
    return _encoder.encode(delivery).decode()


def key_of(one: Key) -> Item:
    """Return the key of an alert's item, or of a digest's head."""
    return _key(one.symbol, one.timestamp, one.rule_id)


def _key(symbol: str, timestamp: str, rule_id: str) -> Item:
    return {"symbol": {"S": symbol}, "timestamp_rule": {"S": f"{timestamp}#{rule_id}"}}
