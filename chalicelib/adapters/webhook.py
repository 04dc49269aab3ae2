"""Posts an alert as JSON to a webhook, signed with the channel's secret (docs/channels.md)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from chalicelib.adapters import outbound
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.messages import Message

TIMESTAMP, SIGNATURE, EVENT = "Ticktape-Timestamp", "Ticktape-Signature", "Ticktape-Event"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `v1=` and the HMAC-SHA256 of `TIMESTAMP.BODY` in hex."""
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Webhook:
    """Implements Channel for an HTTPS address. `now` returns the epoch seconds to sign."""

    def __init__(
        self,
        secrets: Secrets,
        allows: outbound.Policy = is_public,
        now: Callable[[], float] = time.time,
        seconds: float = outbound.SEND_SECONDS,
    ) -> None:
        self._secrets = secrets
        self._allows = allows
        self._now = now
        self._seconds = seconds

    def prepare(self) -> None:
        """See Channel.prepare."""
        from chalicelib.adapters import outbound_http  # noqa: F401

    def send(self, message: Message) -> None:
        """See Channel.send."""
        from chalicelib.adapters import outbound_http

        body = message.data.encode()
        headers = self._headers(message, body)
        outbound_http.post(self._secrets.address, body, headers, self._allows, self._seconds)

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._now()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "ticktape",
            EVENT: message.attributes.get("event_type", "alert"),
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secrets.secret, timestamp, body),
        }
