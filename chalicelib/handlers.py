"""Passes Lambda's events to services, and returns the answers that Lambda expects. CloudWatch makes
metrics from the counters that are logged here."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib import bootstrap
from chalicelib.adapters import events
from chalicelib.domain.metric_lines import embedded
from chalicelib.event_sources import COMPACTION_HOURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.services.delivery.tasks import Delivered
    from chalicelib.services.ingest.plan import Incoming

log = logging.getLogger("ticktape.metrics")

_NAMED = 20
"""How many silent symbols the log names: those with the longest silence."""

Response = dict[str, list[dict[str, str]]]


def ingest_kinesis(event: dict[str, Any], context: Any) -> Response:
    """Process a batch of one shard; report the first record that failed."""
    return _ingest("ingest_kinesis", events.from_kinesis(event), context, all_later=False)


def ingest_sqs(event: dict[str, Any], context: Any) -> Response:
    """Process a batch of a FIFO queue. Report the first message that failed and all later messages,
    so that they are delivered again in order."""
    return _ingest("ingest_sqs", events.from_sqs(event), context, all_later=True)


def detect(event: dict[str, Any], context: Any) -> Response:
    """Process a batch of the prices table's stream."""
    services = bootstrap.get_services()
    changes = events.changed_prices(event)
    until = bootstrap.deadline(context.get_remaining_time_in_millis())
    done = services.detect(changes, until)
    broken = len(services.stores.rules.broken) + len(services.rules.left_out)
    _emit(
        "detect",
        {
            "TicksDetected": done.ticks,
            "LateBatches": done.late,
            "Alerts": done.alerts,
            "DetectFailures": len(done.failed),
            "RepairsLeft": done.unrepaired,
            "RulesBroken": broken + bool(done.dropped or done.unsent) + done.left_out,
        },
    )
    _tell_silence()
    return _partial(done.failed)


def _tell_silence() -> None:
    """Every few minutes, log the number of silent symbols if there are any."""
    services = bootstrap.get_services()
    silent = services.silence.due()
    if silent:
        names = ", ".join(one.symbol for one in silent[:_NAMED])
        counted = {"SilentSymbols": len(silent)}
        _emit("detect", counted, silent=names)


def deliver(event: dict[str, Any], context: Any) -> Response:
    """Process a batch of the alerts table's stream."""
    services = bootstrap.get_services()
    until = bootstrap.deadline(context.get_remaining_time_in_millis())
    return _delivered("deliver", services.deliver.new(events.new_alerts(event), until))


def push(event: dict[str, Any], _context: Any) -> Response:
    """Publish a batch of the state table's stream. Never report a failure, since a late price is
    worth nothing."""
    services = bootstrap.get_services()
    done = services.push(events.written_states(event))
    _emit("push", {"PushFailures": done.failed})
    return _partial(())


def redeliver(event: dict[str, Any], context: Any) -> Response:
    """Process messages that request further attempts. Unreadable messages are reported as failed:
    SQS delivers them again and finally moves them to the dead-letter queue."""
    services = bootstrap.get_services()
    until = bootstrap.deadline(context.get_remaining_time_in_millis())
    retries, unreadable = events.retries(event)
    return _delivered("redeliver", services.deliver.again(retries, until), unreadable)


def _delivered(name: str, done: Delivered, unreadable: Sequence[str] = ()) -> Response:
    failed = (*unreadable, *done.failed)
    _emit(
        name,
        {
            "Notifications": done.sent,
            "DeliveriesRetried": done.retried + done.deferred,
            "DeliveriesDead": done.dead,
            "DeliverFailures": len(failed),
            "PicturesFailed": done.pictures_failed,
        },
    )
    return _partial(failed)


def compact(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process the schedule's event, or one that names a day: `{"detail": {"date": "2026-11-20"}}`.

    Outside COMPACTION_HOURS the schedule's run only merges raw objects. Returns the service's
    result as a dict. Errors of the service are raised, so that the run counts as failed.
    """
    services = bootstrap.get_services()
    until = bootstrap.deadline(context.get_remaining_time_in_millis())
    day = event.get("detail", {}).get("date")
    run = f"{context.aws_request_id}.{os.urandom(4).hex()}"  # a repeated event has the same id
    if _only_merges(event):
        done = services.compact.gather(run, until)
    else:
        done = services.compact(day, run, until)
    _emit(
        "compact",
        {
            "DaysCompacted": len(done.days),
            "TicksCompacted": done.ticks,
            "CompactionBytesScanned": done.bytes_scanned,
        },
    )
    found: dict[str, Any] = msgspec.to_builtins(done)
    return found


def _only_merges(event: dict[str, Any]) -> bool:
    """Return whether the run only merges raw objects.

    EventBridge names its rule in `resources`; a manual event names none.
    """
    is_scheduled = bool(event.get("resources"))
    return is_scheduled and int(event["time"][11:13]) not in COMPACTION_HOURS


def _ingest(name: str, records: list[Incoming], context: Any, *, all_later: bool) -> Response:
    services = bootstrap.get_services()
    until = bootstrap.deadline(context.get_remaining_time_in_millis())
    done = services.ingest(records, until)
    _emit(
        name,
        {
            "TicksTaken": done.taken,
            "TicksStored": done.stored,
            "BarsStored": done.bars,
            "RecordsQuarantined": done.quarantined,
            "IngestFailures": len(done.failed),
            "StoreAgeMilliseconds": round(done.oldest_age_seconds * 1000),
        },
        **({"quarantine_reason": done.reason} if done.reason else {}),
    )
    return _partial(done.identifiers(records, all_later=all_later))


def _partial(identifiers: Any) -> Response:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in identifiers]}


def _emit(function: str, counters: Mapping[str, float], **properties: str) -> None:
    """Log the counters that are not zero, and `properties`: texts for searching the log. Do nothing
    if all counters are zero.

    The log record also has both as the attributes `counters` and `properties`.
    """
    counted = {name: value for name, value in counters.items() if value}
    if counted:
        services = bootstrap.get_services()
        stage, now = services.settings.stage, services.clock()
        line = embedded(function, stage, counted, now, **properties)
        log.info(line, extra={"counters": counted, "properties": properties})
