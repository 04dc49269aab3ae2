"""Encrypts and decrypts the secrets of channels with KMS. The API's role may only encrypt them, and
the role of `deliver` may only decrypt them."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.errors import Conflict

_decoder = msgspec.json.Decoder(Secrets)


class Sealing:
    """Encrypts by KMS. `key` is the KMS key's ARN or alias; empty if the stage has no key."""

    def __init__(self, client: Any, key: str, stage: str) -> None:
        self._client = client
        self._key = key
        self._stage = stage

    def seal(self, channel_id: str, secrets: Secrets) -> str:
        """See Seal. One Encrypt."""
        if not self._key:
            raise Conflict(
                "this stage has no key of its own, by which addresses are encrypted:"
                " set own_key = true in its tfvars and deploy it"
            )
        answer = self._client.encrypt(
            KeyId=self._key,
            Plaintext=msgspec.json.encode(secrets),
            EncryptionContext=self._context(channel_id),
        )
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def unseal(self, channel_id: str, sealed: str) -> Secrets:
        """Return the decrypted secrets of a channel. One Decrypt. Raises botocore's errors."""
        answer = self._client.decrypt(
            KeyId=self._key,
            CiphertextBlob=base64.b64decode(sealed),
            EncryptionContext=self._context(channel_id),
        )
        return _decoder.decode(answer["Plaintext"])

    def _context(self, channel_id: str) -> dict[str, str]:
        """Return the encryption context, which binds a sealed text to its stage and channel."""
        return {"app": "ticktape", "stage": self._stage, "channel": channel_id}
