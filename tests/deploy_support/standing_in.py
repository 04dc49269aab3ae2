"""Stands in for Lambda and API Gateway: `python -m tests.deploy_support.standing_in CALLS`.

Runs the handlers over the stage that the environment names, with the local pollers, and the API
on a port of its own; prints `ready PORT`. Ends with its standard input and then writes the AWS
calls that each function made to the file CALLS.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.deploy_support.recorded_calls import Recorder

HANDLERS = ("ingest_kinesis", "ingest_sqs", "detect")


def main(calls: Path) -> None:
    """Run until the parent goes."""
    recorder = Recorder(os.environ["AWS_DEFAULT_REGION"])
    _watch_clients(recorder)
    import app
    from chalicelib.api.problems import of_status
    from local import api_server
    from local.http_server import Server

    handler = api_server.handler(app.app, of_status, None)
    gateway: Any = vars(handler)["gateway"]
    gateway.handle_request = recorder.wrap("api_handler", gateway.handle_request)
    server = Server(0)
    server.start(handler)
    stop = _start_pollers(app, recorder)
    print("ready", server.port, flush=True)
    sys.stdin.read()
    stop()
    server.stop()
    calls.write_text(json.dumps(msgspec.to_builtins(sorted(recorder.calls))))


RIVAL = "RIVAL"
"""A symbol whose first state another invocation writes a moment before ours does."""


def _watch_clients(recorder: Recorder) -> None:
    from chalicelib.adapters.clients import Clients

    make = Clients._make
    rival = make(Clients(), "dynamodb")
    beaten: list[str] = []

    def be_faster(params: dict[str, Any], **_: Any) -> None:
        if params["Item"].get("version") and params["Item"]["symbol"]["S"] == RIVAL and not beaten:
            beaten.append(RIVAL)
            rival.put_item(TableName=params["TableName"], Item=params["Item"])

    def watched(self: Any, service: str) -> Any:
        client = recorder.watch(make(self, service))
        if service == "dynamodb":
            client.meta.events.register("provide-client-params.dynamodb.PutItem", be_faster)
        return client

    Clients._make = watched  # type: ignore[method-assign]


def _start_pollers(app: Any, recorder: Recorder) -> Any:
    from chalicelib.event_sources import EVENT_SOURCES
    from local import resources
    from local.event_sources.checkpoints import Checkpoints
    from local.event_sources.invoking import Function
    from local.event_sources.queue_mapping import QueueMapping
    from local.event_sources.wakeups import Wakeups
    from local.mappings import Mappings
    from local.provision import Clients

    clients = Clients(os.environ)
    wrapped: Any = SimpleNamespace(
        **{name: recorder.wrap(name, getattr(app, name)) for name in HANDLERS}
    )
    checkpoints = Checkpoints(None)
    mappings = Mappings(wrapped, os.environ, resources.load(), clients, checkpoints, None)
    wakeups = Wakeups(None)
    queue = QueueMapping(
        EVENT_SOURCES["ingest_sqs"],
        clients("sqs"),
        os.environ["TICKS_QUEUE_URL"],
        Function("ingest_sqs", wrapped.ingest_sqs, os.environ["AWS_DEFAULT_REGION"]),
        wakeups,
    )
    mappings.start()
    queue.start()

    def stop() -> None:
        queue.stop()
        mappings.stop(10)
        checkpoints.close()

    return stop


if __name__ == "__main__":
    main(Path(sys.argv[1]))
