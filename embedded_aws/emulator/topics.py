"""Patches moto's SNS.

Unpatched, moto keeps every message and a certificate for each, and publishing fails if a subscriber
does not answer. SNS accepts such a message and delivers it later.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import requests
from moto.sns import models as sns_models
from moto.sns.models import SNSBackend, Subscription, Topic

KEPT = 100
DELIVERY_SECONDS = 5.0

log = logging.getLogger(__name__)


class _BoundedRequests:
    """The functions of `requests` that moto uses for delivery, with a time limit."""

    @staticmethod
    def post(url: str, **named: Any) -> requests.Response:
        """Post a message within DELIVERY_SECONDS. Raises requests.RequestException."""
        return requests.post(url, timeout=DELIVERY_SECONDS, **named)


class LastKeys(dict[str, bytes]):
    """A dict that keeps only the last KEPT entries which were set."""

    def __setitem__(self, name: str, key: bytes) -> None:
        super().__setitem__(name, key)
        while len(self) > KEPT:
            del self[next(iter(self))]


def install() -> None:
    """Install the patches."""
    deliver = Subscription.publish

    def publish(self: Any, *arguments: Any, **named: Any) -> None:
        try:
            deliver(self, *arguments, **named)
        except requests.RequestException as error:
            log.warning("no delivery to %s: %s", self.endpoint, type(error).__name__)

    Subscription.publish = publish
    sns_models.requests = _BoundedRequests()
    create_topic, create_backend = Topic.__init__, SNSBackend.__init__

    def init_topic(self: Any, name: str, backend: Any) -> None:
        create_topic(self, name, backend)
        self.sent_notifications = deque(maxlen=KEPT)  # moto only appends

    def init_backend(self: Any, *arguments: Any, **named: Any) -> None:
        create_backend(self, *arguments, **named)
        self._message_public_keys = LastKeys()

    Topic.__init__ = init_topic
    SNSBackend.__init__ = init_backend
