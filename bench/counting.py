"""AWS in memory whose own work is excluded from measurements, and counts of handlers on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from bench.aws_calls import AwsCalls, Tally
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport

LOG_EVENT_BYTES = 26
"""Bytes that CloudWatch adds to each line."""


class TimedTransport(Transport):
    """botocore's clients.

    `own_seconds` is the CPU of the memory behind them, `answers` answers a service's requests
    before they are sent, for clients created elsewhere.
    """

    def __init__(self, aws: Aws) -> None:
        self._own: list[float] = []
        self.answers: dict[str, Any] = {}
        super().__init__(aws)

    @property
    def own_seconds(self) -> float:
        """Return the seconds so far."""
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


class Counted(msgspec.Struct, kw_only=True):
    """The resources of a run. `cpu` and `invocations` by function; `logged` in bytes of log
    lines."""

    ticks: int = 0
    records: int = 0
    put_units: int = 0
    rounded_gb: float = 0.0
    queue_requests: int = 0
    alerts: int = 0
    logged: int = 0
    item_bytes: int = 0
    archive_bytes: int = 0
    cpu: dict[str, float] = msgspec.field(default_factory=dict)
    invocations: dict[str, int] = msgspec.field(default_factory=dict)
    calls: dict[str, dict[str, Tally]] = msgspec.field(default_factory=dict)

    def units(self, kind: str, function: str = "", operation: str = "") -> float:
        """Return `read_units`, `write_units` or `calls`, of all or of one function or operation."""
        return float(
            sum(
                getattr(tally, kind)
                for name, tallies in self.calls.items()
                for done, tally in tallies.items()
                if function in ("", name) and operation in ("", done)
            )
        )


class Meter(logging.Handler):
    """Attributes invocations to functions: calls, CPU without the memory's, bytes of logs."""

    def __init__(self, transport: TimedTransport, clients: tuple[Any, ...] | None = None) -> None:
        super().__init__(logging.INFO)
        self.transport = transport
        self.counted = Counted()
        self._calls = AwsCalls(
            clients or (transport.dynamodb, transport.s3, transport.sns, transport.sqs),
            {"alerts": 1},
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line of the log."""
        self.counted.logged += len(record.getMessage().encode()) + LOG_EVENT_BYTES

    def invoke(self, function: str, call: Callable[[], Any]) -> Any:
        """Run an invocation and return its answer."""
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


def added(one: Tally, other: Tally) -> Tally:
    """Return the sum of two tallies."""
    names = Tally.__struct_fields__
    return Tally(**{name: getattr(one, name) + getattr(other, name) for name in names})
