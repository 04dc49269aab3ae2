"""The stage's key pair of Web Push: one item of the rules table, written once."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.dynamodb import item_of, put_if, read
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.subscriptions import encoded
from chalicelib.services.delivery.push_key import PushKey

_PLACE = item_of(symbol="#push-key", rule_id="#push-key")
"""A key that no rule can have and the index of rules does not list."""


class PushKeys:
    """PushKeyStore over DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self) -> PushKey | None:
        """See PushKeyStore. One GetItem."""
        item = read(self._client, self._table, _PLACE)
        return PushKey(item["public"]["S"], item["sealed"]["S"]) if item else None

    def write(self, key: PushKey) -> bool:
        """See PushKeyStore. One PutItem."""
        item = _PLACE | item_of(public=key.public, sealed=key.sealed)
        return put_if(
            self._client,
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(symbol)",
        )


def generated() -> Secrets:
    """Return a random key pair: the public key as address and the private one as secret, both in
    base64url."""
    from chalicelib.adapters.web_push_crypto import new_keys

    keys = new_keys()
    return Secrets(encoded(keys.public), encoded(keys.private))
