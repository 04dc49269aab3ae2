"""Runs handlers on AWS in memory and counts what they use, without the work of AWS in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from bench.aws_calls import AwsCalls
from costs.counted import Counted, Tally, added
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport

LOG_EVENT_BYTES = 26
"""Bytes that CloudWatch adds to each line."""


class TimedTransport(Transport):
    """botocore's clients over AWS in memory.

    `own_seconds` is the CPU time of AWS in memory. `answers` has a function for each service. It
    answers requests before they are sent, for clients created elsewhere.
    """

    def __init__(self, aws: Aws) -> None:
        self._own: list[float] = []
        self.answers: dict[str, Any] = {}
        super().__init__(aws)

    @property
    def own_seconds(self) -> float:
        """Return the CPU seconds that AWS in memory has used so far."""
        return sum(self._own)

    def _client(self, service: str, answer: Any) -> Any:
        def timed(request: Any, **rest: Any) -> Any:
            began = time.thread_time()
            try:
                return answer(request, **rest)
            finally:
                self._own.append(time.thread_time() - began)

        self.answers[service] = timed
        return super()._client(service, timed)


class Meter(logging.Handler):
    """Counts what each function's invocations use: calls, CPU and bytes of logs. The CPU of AWS in
    memory is not included."""

    def __init__(self, transport: TimedTransport, clients: tuple[Any, ...] | None = None) -> None:
        super().__init__(logging.INFO)
        self.transport = transport
        self.counted = Counted()
        self._calls = AwsCalls(
            clients or (transport.dynamodb, transport.s3, transport.sns, transport.sqs),
            {"alerts": 1},
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Count the bytes of a log line."""
        self.counted.logged += len(record.getMessage().encode()) + LOG_EVENT_BYTES

    def invoke(self, function: str, call: Callable[[], Any]) -> Any:
        """Call the function's handler, count what it uses, and return its answer."""
        self._calls.forget()
        own, began = self.transport.own_seconds, time.process_time()
        answer = call()
        cpu = time.process_time() - began - (self.transport.own_seconds - own)
        counted = self.counted
        counted.cpu[function] = counted.cpu.get(function, 0.0) + max(0.0, cpu)
        counted.invocations[function] = counted.invocations.get(function, 0) + 1
        tallies = counted.calls.setdefault(function, {})
        for name, tally in self._calls.by_operation.items():
            tallies[name] = added(tallies.get(name, Tally()), tally)
        return answer
