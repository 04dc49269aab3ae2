"""The counts of a run: calls to AWS, CPU and bytes."""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct):
    """The counts of one operation. Units are DynamoDB's request units, 0 for other services."""

    calls: int = 0
    errors: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    read_units: float = 0.0
    write_units: float = 0.0


class Counted(msgspec.Struct, kw_only=True):
    """The resources that a run used.

    `put_units` are started 25 KB of records. `rounded_gb` are gigabytes with each record rounded up
    to 1 KB. `logged` is the bytes of log lines. `cpu` (in seconds), `invocations` and `calls` are
    by function.
    """

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
        """Return the sum of `read_units`, `write_units` or `calls`, as `kind` says. An empty
        `function` or `operation` stands for all of them."""
        return float(
            sum(
                getattr(tally, kind)
                for name, tallies in self.calls.items()
                for done, tally in tallies.items()
                if function in ("", name) and operation in ("", done)
            )
        )


def added(one: Tally, other: Tally) -> Tally:
    """Return the sum of two tallies."""
    names = Tally.__struct_fields__
    return Tally(**{name: getattr(one, name) + getattr(other, name) for name in names})
