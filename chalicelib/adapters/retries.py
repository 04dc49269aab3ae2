"""The queue of retries of deliveries, and the queue of dead deliveries."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from chalicelib.domain.agendas import is_timer, timer_of
from chalicelib.domain.deliveries import Retry

LONGEST_DELAY_SECONDS = 900
"""The longest that SQS delays a message."""

_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Retry)


class _AgendaTimer(msgspec.Struct):
    """The message that acts as the timer of a channel's agenda. Versions without agendas cannot
    read it, so that SQS delivers it again while a stage is updated."""

    agenda: str
    at: str


_timer_decoder = msgspec.json.Decoder(_AgendaTimer)


class Retries:
    """Implements RetryQueue on SQS."""

    def __init__(self, client: Any, queue_url: str, dead_queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_queue_url = dead_queue_url

    def put(self, retry: Retry, seconds: float) -> None:
        """See RetryQueue.put."""
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=_encoder.encode(_message(retry)).decode(),
            DelaySeconds=min(LONGEST_DELAY_SECONDS, max(0, math.ceil(seconds))),
        )

    def depth(self) -> int:
        """See RetryQueue.depth."""
        answer = self._client.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def bury(self, retry: Retry, reason: str) -> None:
        """See RetryQueue.bury. The reason is an attribute of the message."""
        self._client.send_message(
            QueueUrl=self._dead_queue_url,
            MessageBody=_encoder.encode(msgspec.structs.replace(retry, dead=True)).decode(),
            MessageAttributes={"reason": {"DataType": "String", "StringValue": reason or "-"}},
        )


def retry_of(body: str) -> Retry:
    """Return the retry that a message requests. Raises msgspec.MsgspecError for anything else."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        timer = _timer_decoder.decode(body)
        return timer_of(timer.agenda, timer.at)


def _message(retry: Retry) -> Retry | _AgendaTimer:
    return _AgendaTimer(retry.channel, retry.timestamp) if is_timer(retry) else retry
