"""A stored channel, whose address is decrypted when it is first sent to."""

from __future__ import annotations

import threading

from chalicelib.adapters.outbound import Policy
from chalicelib.adapters.sealing import Sealing
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.deliveries import Lasting, Passing
from chalicelib.domain.messages import Message
from chalicelib.services.delivery.channel import Channel

_UNREADABLE = ("InvalidCiphertextException", "IncorrectKeyException", "ValidationException")


class SealedChannel:
    """Channel of kind `apprise` or `webhook`. Only what is used is imported."""

    def __init__(self, stored: StoredChannel, sealing: Sealing, allows: Policy = is_public) -> None:
        self._stored = stored
        self._sealing = sealing
        self._allows = allows
        self._opened: Channel | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """See Channel."""
        self._channel().prepare()

    def send(self, message: Message) -> None:
        """See Channel."""
        self._channel().send(message)

    def _channel(self) -> Channel:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Channel:
        from botocore.exceptions import BotoCoreError, ClientError

        from chalicelib.adapters.apprise_channel import AppriseChannel
        from chalicelib.adapters.webhook import Webhook

        stored = self._stored
        try:
            secrets = self._sealing.unseal(stored.channel_id, stored.sealed)
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNREADABLE:
                raise Lasting("its address cannot be decrypted: enter it again") from None
            raise Passing("its address cannot be decrypted now") from None
        except BotoCoreError:
            raise Passing("its address cannot be decrypted now") from None
        if stored.kind == "webhook":
            return Webhook(secrets, self._allows)
        return AppriseChannel(secrets, self._allows, takes_picture=stored.picture)
