"""Calls a handler as Lambda does, and interprets the handler's answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from embedded_aws.event_sources.attempts import Outcome, read_response
from embedded_aws.event_sources.lambda_events import Context, event
from embedded_aws.event_sources.records import StreamRecord

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], Any]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Function(msgspec.Struct, frozen=True):
    """A handler, with its settings as a Lambda function."""

    name: str
    handler: Handler
    region: str
    timeout_seconds: float = 60.0

    def invoke(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """Call the handler with an event of these records, and return its answer. The event passes
        through JSON, as on AWS. Raises the handler's errors."""
        payload = _decode(_encode(event(records)))
        context = Context(self.name, timeout_seconds=self.timeout_seconds, region=self.region)
        return self.handler(payload, context)


def invoke(function: Function, records: Sequence[StreamRecord], *, partial: bool) -> Outcome:
    """Pass a batch of a stream to the function and return the outcome.

    If the function raises an error, the whole batch has failed. If `partial` is set, the function's
    answer is read; otherwise every answer means success.
    """
    numbers = [record.sequence_number for record in records]
    began = time.monotonic()
    try:
        response = function.invoke([record.event for record in records])
    except Exception as error:  # as Lambda: any error fails the batch
        logger.exception("%s failed on %d records", function.name, len(records))
        return Outcome(0, reported=False, error=f"{type(error).__name__}: {error}")
    outcome = read_response(response, numbers) if partial else Outcome(None)
    took = (time.monotonic() - began) * 1000
    logger.debug("%s took %d records in %.0f ms", function.name, len(records), took)
    if outcome.first_failed is not None:
        failed = numbers[outcome.first_failed]
        logger.warning("%s failed in a batch, tried again from %s on", function.name, failed)
    return outcome
