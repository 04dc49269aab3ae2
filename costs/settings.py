"""The inputs of the cost model: a load, and the settings of a deployment and its producer."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

SHARD_RECORDS = 1000
SHARD_BYTES = 1_000_000
HEADROOM = 1.25
"""Shards are computed for a quarter more than the load."""

MARKET_HOURS = 21 * 6.5
ROUND_THE_CLOCK = 730.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the cost model. Windows are in seconds, memory is in MB.

    `interval_seconds` is the time between two ticks of a symbol. `ticks_per_record` and
    `flush_seconds` are the producer's. `hours` is the hours of a month in which ticks come.
    `alerts` is the setting ALERTS. `crosses` is the input of the rules `default-golden-cross` and
    `default-death-cross`, if they are enabled. `mails` is the number of addresses that receive
    alerts. `tabs` is the number of pages open all month; if `push`, prices are pushed to them.
    `reports` is the number of runs of reports per month. `collector` is what polls or receives the
    prices, "none" to leave it out.
    """

    symbols: int = 25
    interval_seconds: float = 30.0
    ingest: Literal["kinesis", "sqs"] = "kinesis"
    stream: Literal["provisioned", "on-demand"] = "provisioned"
    ticks_per_record: int = 1
    flush_seconds: float = 0.0
    ingest_window: float = 1.0
    detect_window: float = 0.0
    memory_mb: int = 512
    prices_days: float = 30.0
    raw_days: float = 365.0
    hours: float = ROUND_THE_CLOCK
    shards: int | None = None
    tracing: bool = False
    alerts: Literal["bars", "every-tick"] = "bars"
    crosses: Literal["tick", "1m", "5m", "1h", "off"] = "tick"
    mails: int = 0
    tabs: int = 0
    push: bool = False
    reports: int = 0
    collector: Literal["none", "lambda", "fargate", "machine"] = "none"

    @property
    def packed(self) -> int:
        """Return how many ticks of a symbol share a record: those that come while the first one
        waits."""
        if self.ticks_per_record <= 1 or not self.flush_seconds:
            return 1
        waiting = max(1, round(self.flush_seconds / self.interval_seconds))
        return min(self.ticks_per_record, waiting)

    @property
    def ticks_a_second(self) -> float:
        """Return how many ticks of all symbols come per second."""
        return self.symbols / self.interval_seconds

    @property
    def ticks_a_month(self) -> float:
        """Return the ticks per month of all symbols, which come in `hours` of the month."""
        return self.ticks_a_second * 3600 * self.hours

    def shards_for(self, record_bytes: float) -> int:
        """Return how many shards a provisioned stream needs. Each shard takes 1,000 records and 1
        MB a second."""
        records = self.ticks_a_second / self.packed
        load = max(records / SHARD_RECORDS, records * record_bytes / SHARD_BYTES)
        return self.shards or max(1, math.ceil(load * HEADROOM))

    def said(self) -> str:
        """Return the settings that differ from the defaults, and how ticks come in, as flags.
        Symbols and interval are left out."""
        chosen: dict[str, object] = {"ingest": self.ingest}
        if self.ingest == "kinesis":
            chosen["stream"] = self.stream
        for field in msgspec.structs.fields(Settings):
            value = getattr(self, field.name)
            if field.name not in ("symbols", "interval_seconds") and value != field.default:
                chosen[field.name.removesuffix("_mb").replace("_", "-")] = value
        return " ".join(_flag(name, value) for name, value in chosen.items())


def _flag(name: str, value: object) -> str:
    if value is True:
        return f"--{name}"
    return f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}"
