"""`python -m local redrive`: of the running system, or with `--stage` of a deployment."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any

from local import resources
from local.choosing import add_flags, enter, find_running
from local.commands import FAILED, OK
from local.event_sources.invoking import Function
from local.redrive import Call, Redriven, drop_messages, redrive_batches, redrive_messages
from producer import region


def redrive(arguments: list[str]) -> int:
    """Process again what was given up on. Status 1 when some of it failed again."""
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
    stage = options.stage
    call = _deployed(stage) if stage else _running(options)
    return _report(_all(resources.load(stage or "local"), call))


def _running(options: argparse.Namespace) -> Call:
    """Calls the handlers in this process, in the running system's environment."""
    facts = find_running(options)
    enter(facts)
    os.environ.update(facts["environment"])
    app = importlib.import_module("app")

    def call(name: str, event: dict[str, Any]) -> Any:
        handler = getattr(app, name, None)
        if handler is None:
            raise LookupError(f"the running system has no function {name}")
        return Function(name, handler, os.environ["AWS_REGION"]).invoke(event["Records"])

    return call


def _deployed(stage: str) -> Call:
    """Invokes the deployed functions."""
    import boto3

    region.require()
    client = boto3.client("lambda")
    prefix = f"{resources.load(stage).app}-{stage}-"

    def call(name: str, event: dict[str, Any]) -> Any:
        full = name if name.startswith(prefix) else prefix + name
        answer = client.invoke(FunctionName=full, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise RuntimeError(str(payload))
        return payload

    return call


def _all(named: resources.Resources, call: Call) -> list[Redriven]:
    import boto3

    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    done = list(redrive_batches(s3, named.name("failures"), call))
    dead = sqs.get_queue_url(QueueName=named.name("ticks-dead.fifo"))["QueueUrl"]
    done += redrive_messages(sqs, dead, "ingest_sqs", sqs.meta.region_name, call)
    if not any(one.error for one in done):
        notices = sqs.get_queue_url(QueueName=named.name("failures"))["QueueUrl"]
        drop_messages(sqs, notices)
    return done


def _report(done: list[Redriven]) -> int:
    failed = [one for one in done if one.error]
    for one in done:
        print(f"{one.function}: {one.records} records, {one.error or 'done'} ({one.name})")
    print(f"{len(done) - len(failed)} of {len(done)} batches processed again")
    if failed:
        print("what failed again stays where it was", file=sys.stderr)
        return FAILED
    return OK
