"""A stored channel whose address is decrypted when a message is first sent to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from chalicelib.adapters.outbound import Policy
from chalicelib.adapters.sealing import Sealing
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.deliveries import Ended, Lasting, Passing
from chalicelib.domain.messages import Message
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.push_key import SEALED_FOR

log = logging.getLogger("ticktape.deliver")

_UNREADABLE = ("InvalidCiphertextException", "IncorrectKeyException", "ValidationException")


class SealedChannel:
    """Implements Channel through the module of the channel's kind. Only that module is imported."""

    def __init__(
        self,
        stored: StoredChannel,
        sealing: Sealing,
        allows: Policy = is_public,
        *,
        contact: str = "",
        note_ended: Callable[[StoredChannel, str], None] | None = None,
    ) -> None:
        """Make a channel. `contact` is the sender's address for push services. `note_ended` is
        called with the channel and the reason if the receiver has ended it."""
        self._stored = stored
        self._sealing = sealing
        self._allows = allows
        self._contact = contact
        self._note_ended = note_ended
        self._opened: Channel | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """See Channel.prepare."""
        self._channel().prepare()

    def send(self, message: Message) -> None:
        """See Channel.send."""
        try:
            self._channel().send(message)
        except Ended as error:
            self._end(error.reason)
            raise

    def _end(self, reason: str) -> None:
        """Record that the channel has ended. If that fails, the next message tries again."""
        try:
            if self._note_ended is not None:
                self._note_ended(self._stored, reason)
        except Exception:
            log.exception("channel %s has ended, which is not noted", self._stored.channel_id)

    def _channel(self) -> Channel:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Channel:
        from botocore.exceptions import BotoCoreError, ClientError

        stored = self._stored
        try:
            secrets = self._sealing.unseal(stored.channel_id, stored.sealed)
            if stored.kind == "web_push":
                return self._web_push(secrets, self._sealing.unseal(SEALED_FOR, stored.vapid))
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNREADABLE:
                raise Lasting("its address cannot be decrypted: enter it again") from None
            raise Passing("its address cannot be decrypted now") from None
        except BotoCoreError:
            raise Passing("its address cannot be decrypted now") from None
        return self._addressed(secrets)

    def _web_push(self, secrets: Secrets, vapid: Secrets) -> Channel:
        from chalicelib.adapters.web_push import WebPush

        return WebPush(secrets, vapid, self._contact, self._allows)

    def _addressed(self, secrets: Secrets) -> Channel:
        from chalicelib.adapters.apprise_channel import AppriseChannel
        from chalicelib.adapters.webhook import Webhook

        stored = self._stored
        if stored.kind == "webhook":
            return Webhook(secrets, self._allows)
        return AppriseChannel(secrets, self._allows, takes_picture=stored.picture)
