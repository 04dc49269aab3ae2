"""The stage's Web Push key pair: one item of the rules table, written once."""

from __future__ import annotations

from chalicelib.adapters.dynamodb import item_of
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.subscriptions import encoded
from chalicelib.services.delivery.push_key import PushKey

_PLACE = item_of(symbol="#push-key", rule_id="#push-key")
"""A key that no rule can have and that the index of rules does not list."""


class PushKeys(TableAccess):
    """Implements PushKeyStore on DynamoDB."""

    def read(self) -> PushKey | None:
        """See PushKeyStore.read. One GetItem."""
        item = self._read(_PLACE)
        return PushKey(item["public"]["S"], item["sealed"]["S"]) if item else None

    def write(self, key: PushKey) -> bool:
        """See PushKeyStore.write. One PutItem."""
        item = _PLACE | item_of(public=key.public, sealed=key.sealed)
        return self._write_if(
            Item=item,
            ConditionExpression="attribute_not_exists(symbol)",
        )


def generated() -> Secrets:
    """Return a random key pair in base64url. `address` is the public key, `secret` the private
    key."""
    from chalicelib.adapters.web_push_crypto import new_keys

    keys = new_keys()
    return Secrets(encoded(keys.public), encoded(keys.private))
