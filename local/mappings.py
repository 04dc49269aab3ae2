"""Makes the event source mappings of the app's handlers, as in a deployment."""

from __future__ import annotations

from collections.abc import Mapping as Environment
from types import ModuleType

from msgspec import convert
from msgspec.structs import replace

from chalicelib import bootstrap
from chalicelib.adapters.json_wire import read_answer
from chalicelib.event_sources import EventSource
from chalicelib.settings import Settings, configured
from embedded_aws.clients import Clients
from embedded_aws.event_sources.checkpoints import Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.mappings import Mappings
from embedded_aws.event_sources.settings import Source
from embedded_aws.process import EmulatorControl
from infra.resources import Resources

INGEST_WINDOW_SECONDS = 0.2
"""The window of ingest_kinesis, unless a setting names one. Lambda allows only whole seconds."""


def make(
    app: ModuleType,
    environment: Environment[str, str],
    resources: Resources,
    clients: Clients,
    checkpoints: Checkpoints,
    control: EmulatorControl | None,
) -> Mappings:
    """Return the mappings of the app's stream and queue handlers, without `push` if push is off.
    Ingest reads the configured stream or queue."""
    destination = FailureDestination(clients("s3"), environment["FAILURES_BUCKET"])
    made = Mappings(clients, checkpoints, control, destination)
    sources = local_sources(bootstrap.get_settings())

    def add(handler: str, place: str) -> None:
        timeout = float(resources.functions[handler]["timeout_seconds"])
        made.map(sources[handler], place, getattr(app, handler), timeout)

    # Records stay in wire form, which saves parsing them and encoding them again for the events.
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


def local_sources(settings: Settings) -> dict[str, Source]:
    """Return the event sources by handler, as in a stage with these settings. Only the default
    window of ingest_kinesis is shorter."""
    sources = {name: as_source(given) for name, given in configured(settings).items()}
    if settings.ingest_kinesis_window_seconds is None:
        sources["ingest_kinesis"] = replace(
            sources["ingest_kinesis"], window_seconds=INGEST_WINDOW_SECONDS
        )
    return sources


def as_source(given: EventSource) -> Source:
    """Convert an event source of the app to one of the embedded AWS."""
    return convert(given, Source, from_attributes=True)
