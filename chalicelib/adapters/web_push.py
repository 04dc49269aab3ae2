"""Sends Web Push messages to one browser through its vendor's push service (RFC 8030)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from chalicelib.adapters import outbound
from chalicelib.adapters.web_push_crypto import SALT_BYTES, KeyPair, encrypt, new_keys, token
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import Ended, Lasting
from chalicelib.domain.messages import Message
from chalicelib.domain.notifications import payload
from chalicelib.domain.subscriptions import Keys, decoded, encoded

KEPT_SECONDS = 86_400
"""How long a push service keeps a message for a browser that is not connected."""

TOKEN_SECONDS = 43_200
"""How long a token is valid: half of what RFC 8292 allows, so that clocks may differ."""

_GONE = (404, 410)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
"""The form of a topic (RFC 8030, 5.4). A message replaces an undelivered message with the same
topic, so that an alert that is sent twice appears once."""

_keys = msgspec.json.Decoder(Keys)


class WebPush:
    """Implements Channel for one subscription. `now` returns the epoch seconds, for tokens."""

    def __init__(
        self,
        secrets: Secrets,
        vapid: Secrets,
        contact: str,
        allows: outbound.Policy = is_public,
        now: Callable[[], float] = time.time,
        seconds: float = outbound.SEND_SECONDS,
    ) -> None:
        """Make a channel. `secrets` has the subscription's endpoint and keys; `vapid` has the
        stage's public and private key in base64url."""
        keys = _keys.decode(secrets.secret)
        self._endpoint = secrets.address
        self._receiver, self._auth = decoded(keys.p256dh), decoded(keys.auth)
        self._vapid = KeyPair(decoded(vapid.secret), decoded(vapid.address))
        self._contact = contact
        self._allows = allows
        self._now = now
        self._seconds = seconds
        self._token = "", 0.0

    def prepare(self) -> None:
        """See Channel.prepare."""
        from chalicelib.adapters import outbound_http  # noqa: F401

        new_keys()

    def send(self, message: Message) -> None:
        """See Channel.send. Raises Ended if the browser has ended the subscription."""
        from chalicelib.adapters import outbound_http

        body, headers = self._body(payload(message)), self._headers(message)
        sent = body, headers, self._allows, self._seconds
        status = outbound_http.post(self._endpoint, *sent, returned=_GONE)
        if status in _GONE:
            raise Ended(f"the browser has ended its subscription (answered {status})")

    def _body(self, plain: bytes) -> bytes:
        try:
            salt = os.urandom(SALT_BYTES)
            return encrypt(plain, self._receiver, self._auth, new_keys(), salt)
        except ValueError:
            raise Lasting("the subscription's key is not valid") from None

    def _headers(self, message: Message) -> dict[str, str]:
        topic = message.attributes.get("alert_id", "")
        return {
            **({"Topic": topic} if _TOPIC.fullmatch(topic) else {}),
            "Authorization": f"vapid t={self._signed()}, k={encoded(self._vapid.public)}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Urgency": "high",
            "User-Agent": "ticktape",
        }

    def _signed(self) -> str:
        """Return a signed token that stays valid for at least half of TOKEN_SECONDS."""
        now = self._now()
        made, expires = self._token
        if expires - now < TOKEN_SECONDS / 2:
            expires = now + TOKEN_SECONDS
            parts = urlsplit(self._endpoint)
            origin = f"{parts.scheme}://{parts.netloc}"
            made = token(self._vapid, origin, int(expires), self._contact)
            self._token = made, expires
        return made
