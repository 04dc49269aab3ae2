"""`python -m local redrive`: redrives dead letters of the running system or a deployment."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.event_sources import EVENT_SOURCES
from commands import deployed
from commands.outcomes import FAILED, OK, counted
from commands.redrive import Call, Redriven, drop_notices, redrive_batches, redrive_messages
from commands.target import add_target, environment
from embedded_aws.event_sources.invoking import Function
from infra import resources

if TYPE_CHECKING:
    from infra.deploy.stage import Stage

_FUNCTIONS = ", ".join(EVENT_SOURCES)
"""The functions that a stored batch may name, so that its writer reaches no others."""

DEAD_LETTERS = {"ticks-dead.fifo": "ingest_sqs", "deliveries-dead": "redeliver"}
"""The function that takes a dead-letter queue's messages, by key in `resources.json`."""

NOTICES = "failures"
"""The key of the queue that gets a message for each object in the failures bucket."""


def redrive(arguments: list[str]) -> int:
    """Process dead-lettered batches and messages again. Exit status 1 if any of them failed again,
    or if more were dead-lettered meanwhile."""
    parser = argparse.ArgumentParser(
        prog="python -m local redrive",
        description="Processes batches in the failures bucket and messages in the dead-letter "
        "queues again, and deletes those that succeed.",
    )
    add_target(parser)
    options = parser.parse_args(arguments)
    dead_lettered = _deployed(options.stage) if options.stage else _running(options)
    return _report(*_all(dead_lettered))


class DeadLettered(msgspec.Struct, frozen=True):
    """Where dead-lettered batches and messages are stored, and how to call their functions."""

    s3: Any
    sqs: Any
    bucket: str
    dead_letters: dict[str, str]
    """The URL of each function's dead-letter queue; functions without a queue are missing."""
    notices: str
    """The URL of the NOTICES queue."""
    call: Call


def _running(options: argparse.Namespace) -> DeadLettered:
    """Return the running system's dead letters. Its handlers are called in this process."""
    import boto3

    os.environ.update(environment(options))
    s3, sqs, named = boto3.client("s3"), boto3.client("sqs"), resources.load()

    def url(key: str) -> str:
        return str(sqs.get_queue_url(QueueName=named.name(key))["QueueUrl"])

    bucket, call = named.name("failures"), _calling_handlers()
    dead_letters = {function: url(key) for key, function in DEAD_LETTERS.items()}
    return DeadLettered(s3, sqs, bucket, dead_letters, url(NOTICES), call)


def _calling_handlers() -> Call:
    app = importlib.import_module("app")

    def call(name: str, event: dict[str, Any]) -> Any:
        if name not in EVENT_SOURCES:
            raise LookupError(f"{name} is not a function that takes batches: {_FUNCTIONS}")
        handler = getattr(app, name)
        return Function(name, handler, os.environ["AWS_REGION"]).invoke(event["Records"])

    return call


def _deployed(name: str) -> DeadLettered:
    """Return a stage's dead letters. Its functions are invoked by the names in its outputs."""
    stage = deployed.find(name)
    bucket, queues = stage.environment["FAILURES_BUCKET"], stage.queues
    dead_letters = {one: queues[key] for key, one in DEAD_LETTERS.items() if key in queues}
    notices = queues[NOTICES]
    s3, sqs = stage.client("s3"), stage.client("sqs")
    return DeadLettered(s3, sqs, bucket, dead_letters, notices, _invoking(stage))


def _invoking(stage: Stage) -> Call:
    """Return a call of the stage's functions by key, or by the full name that batches have."""
    taking = {key: one for key, one in stage.functions.items() if key in EVENT_SOURCES}
    functions = taking | {one.name: one for one in taking.values()}

    def call(name: str, event: dict[str, Any]) -> Any:
        if name not in functions:
            raise LookupError(f"{name} is not a function of stage {stage.stage} that takes batches")
        function = functions[name]
        return deployed.invoke(stage, function.name, event, function.timeout_seconds + 10)

    return call


def _all(dead_lettered: DeadLettered) -> tuple[list[Redriven], int]:
    """Redrive everything. Return the results, and how many batches were dead-lettered meanwhile."""
    sqs, call = dead_lettered.sqs, dead_lettered.call
    done = list(redrive_batches(dead_lettered.s3, dead_lettered.bucket, call))
    for function, url in dead_lettered.dead_letters.items():
        done += redrive_messages(sqs, url, function, sqs.meta.region_name, call)
    if any(one.error for one in done):
        return done, 0
    return done, drop_notices(dead_lettered.s3, dead_lettered.bucket, sqs, dead_lettered.notices)


def _report(done: list[Redriven], meanwhile: int) -> int:
    failed = [one for one in done if one.error]
    for one in done:
        records = counted(one.records, "record")
        print(f"{one.function}: {records}, {one.error or 'done'} ({one.name})")
    batches = "1 batch" if len(done) == 1 else f"{len(done)} batches"
    print(f"{len(done) - len(failed)} of {batches} processed again")
    if failed:
        print("batches and messages that failed again are kept", file=sys.stderr)
    if meanwhile:
        print(f"{meanwhile} more were dead-lettered meanwhile; run redrive again", file=sys.stderr)
    return FAILED if failed or meanwhile else OK
