"""The event source mappings of the app's handlers, as in a deployment."""

from __future__ import annotations

from collections.abc import Mapping as Environment
from types import ModuleType

from chalicelib import bootstrap
from chalicelib.adapters.json_wire import read_answer
from chalicelib.event_sources import configured
from embedded_aws.clients import Clients
from embedded_aws.event_sources.checkpoints import Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.mappings import Mappings
from embedded_aws.process import EmulatorControl
from local.resources import Resources


def make(
    app: ModuleType,
    environment: Environment[str, str],
    resources: Resources,
    clients: Clients,
    checkpoints: Checkpoints,
    control: EmulatorControl | None,
) -> Mappings:
    """Return the mappings of detect, deliver and redeliver, of push unless it is off, and of
    ingest from the configured stream or queue."""
    destination = FailureDestination(clients("s3"), environment["FAILURES_BUCKET"])
    made = Mappings(clients, checkpoints, control, destination)
    sources = configured(bootstrap.get_settings())

    def add(handler: str, place: str) -> None:
        timeout = float(resources.functions[handler]["timeout_seconds"])
        made.map(sources[handler], place, getattr(app, handler), timeout)

    # Wire answers are passed on unparsed, which saves encoding them again.
    events = clients("dynamodbstreams").meta.events
    events.register("before-parse.dynamodb-streams.GetRecords", read_answer)
    add("detect", environment["PRICES_STREAM_ARN"])
    add("deliver", environment["ALERTS_STREAM_ARN"])
    add("redeliver", environment["DELIVERIES_QUEUE_URL"])
    if "PUSH_URL" in environment:
        add("push", environment["STATE_STREAM_ARN"])
    if "TICKS_STREAM" in environment:
        add("ingest_kinesis", environment["TICKS_STREAM"])
    else:
        add("ingest_sqs", environment["TICKS_QUEUE_URL"])
    return made
