"""`python -m local redrive`: of the running system, or with `--stage` of a deployment."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.event_sources import EVENT_SOURCES
from embedded_aws.event_sources.invoking import Function
from local import resources
from local.commands import deployed
from local.commands.choosing import add_flags, enter, find_running
from local.commands.statuses import FAILED, OK
from local.redrive import Call, Redriven, drop_notices, redrive_batches, redrive_messages

if TYPE_CHECKING:
    from infra.deploy.stage import Stage

_FUNCTIONS = ", ".join(EVENT_SOURCES)
"""A batch names its function. Whoever may write batches must not have any other one called."""

DEAD_LETTERS, NOTICES = "ticks-dead.fifo", "failures"
"""Keys of queues in `resources.json`."""


def redrive(arguments: list[str]) -> int:
    """Process again what was given up on. Status 1 when some of it failed again, or when Lambda
    gave up on more meanwhile."""
    parser = argparse.ArgumentParser(
        prog="python -m local redrive",
        description="Processes again what was given up on: batches in the failures bucket and "
        "messages in the dead-letter queue. What succeeds is deleted from there.",
    )
    parser.add_argument(
        "--stage", help="of this deployment, with your AWS credentials; else the running system's"
    )
    add_flags(parser)
    options = parser.parse_args(arguments)
    given_up = _deployed(options.stage) if options.stage else _running(options)
    return _report(*_all(given_up))


class GivenUp(msgspec.Struct, frozen=True):
    """Where dead-lettered batches and messages lie, and how their functions are called."""

    s3: Any
    sqs: Any
    bucket: str
    dead_letters: str | None
    """The dead-letter queue's address. None where no queue feeds the stage."""
    notices: str
    """The address of the queue that has a message for each object of the bucket."""
    call: Call


def _running(options: argparse.Namespace) -> GivenUp:
    """Calls the handlers in this process, in the running system's environment."""
    import boto3

    facts = find_running(options)
    enter(facts)
    os.environ.update(facts["environment"])
    s3, sqs, named = boto3.client("s3"), boto3.client("sqs"), resources.load()

    def url(key: str) -> str:
        return str(sqs.get_queue_url(QueueName=named.name(key))["QueueUrl"])

    bucket, call = named.name("failures"), _calling_handlers()
    return GivenUp(s3, sqs, bucket, url(DEAD_LETTERS), url(NOTICES), call)


def _calling_handlers() -> Call:
    app = importlib.import_module("app")

    def call(name: str, event: dict[str, Any]) -> Any:
        if name not in EVENT_SOURCES:
            raise LookupError(f"{name} is no function that takes batches: {_FUNCTIONS}")
        handler = getattr(app, name)
        return Function(name, handler, os.environ["AWS_REGION"]).invoke(event["Records"])

    return call


def _deployed(name: str) -> GivenUp:
    """Invokes the functions of a stage, whose outputs say all names."""
    stage = deployed.find(name)
    bucket, queues = stage.environment["FAILURES_BUCKET"], stage.queues
    dead_letters, notices = queues.get(DEAD_LETTERS), queues[NOTICES]
    s3, sqs = stage.client("s3"), stage.client("sqs")
    return GivenUp(s3, sqs, bucket, dead_letters, notices, _invoking(stage))


def _invoking(stage: Stage) -> Call:
    """Takes a function's key or, as batches name it, its full name."""
    taking = {key: one for key, one in stage.functions.items() if key in EVENT_SOURCES}
    functions = taking | {one.name: one for one in taking.values()}

    def call(name: str, event: dict[str, Any]) -> Any:
        if name not in functions:
            raise LookupError(f"{name} is no function of stage {stage.stage} that takes batches")
        function = functions[name]
        return deployed.invoke(stage, function.name, event, function.timeout_seconds + 10)

    return call


def _all(given_up: GivenUp) -> tuple[list[Redriven], int]:
    """What became of each batch, and how many Lambda gave up on meanwhile."""
    sqs, call = given_up.sqs, given_up.call
    done = list(redrive_batches(given_up.s3, given_up.bucket, call))
    if given_up.dead_letters is not None:
        region = sqs.meta.region_name
        done += redrive_messages(sqs, given_up.dead_letters, "ingest_sqs", region, call)
    if any(one.error for one in done):
        return done, 0
    return done, drop_notices(given_up.s3, given_up.bucket, sqs, given_up.notices)


def _report(done: list[Redriven], meanwhile: int) -> int:
    failed = [one for one in done if one.error]
    for one in done:
        print(f"{one.function}: {one.records} records, {one.error or 'done'} ({one.name})")
    print(f"{len(done) - len(failed)} of {len(done)} batches processed again")
    if failed:
        print("what failed again stays where it was", file=sys.stderr)
    if meanwhile:
        print(f"{meanwhile} more were given up on meanwhile: run it again", file=sys.stderr)
    return FAILED if failed or meanwhile else OK
