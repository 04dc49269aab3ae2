"""Ticktape on Chalice: handlers and routes, implemented in chalicelib."""

from __future__ import annotations

from typing import Any

from chalice import AuthResponse, Chalice, Cron

from chalicelib import bootstrap, handlers
from chalicelib.adapters import json_logs
from chalicelib.api import access, routes
from chalicelib.event_sources import COMPACTION
from chalicelib.settings import configured

settings = bootstrap.get_settings()
event_sources = configured(settings)
app = Chalice(app_name="ticktape", configure_logs=False)

app.api.cors = routes.cors(settings.cors_origin)


@app.middleware("all")
def correlated(event: Any, get_response: Any) -> Any:
    """Tag log lines with the request's id."""
    json_logs.correlate(json_logs.id_of(event))
    return get_response(event)


@app.authorizer(ttl_seconds=access.CACHE_SECONDS)
def bearer_token(request: Any) -> AuthResponse:
    """Return what a request's key may do."""
    return access.authorize(request, bootstrap.get_services().keys)


app.register_blueprint(
    routes.make_blueprint(bootstrap.get_services, bearer_token, read_access=settings.read_access)
)

if settings.ticks_stream:
    _source = event_sources["ingest_kinesis"]

    @app.on_kinesis_record(
        stream=settings.ticks_stream,
        batch_size=_source.batch_size,
        starting_position=_source.starting_position,
        maximum_batching_window_in_seconds=_source.window_seconds,
    )
    def ingest_kinesis(event: Any) -> dict[str, Any]:
        """Store records of the stream in archive and prices."""
        return handlers.ingest_kinesis(event.to_dict(), event.context)


if settings.ticks_queue:
    _queue = event_sources["ingest_sqs"]

    @app.on_sqs_message(
        queue=settings.ticks_queue,
        batch_size=_queue.batch_size,
        maximum_concurrency=_queue.maximum_concurrency,
    )
    def ingest_sqs(event: Any) -> dict[str, Any]:
        """Store messages of the queue in archive and prices."""
        return handlers.ingest_sqs(event.to_dict(), event.context)


_detect = event_sources["detect"]


@app.on_dynamodb_record(
    stream_arn=settings.prices_stream_arn,
    batch_size=_detect.batch_size,
    starting_position=_detect.starting_position,
    maximum_batching_window_in_seconds=_detect.window_seconds,
)
def detect(event: Any) -> dict[str, Any]:
    """Compute bars, signals and alerts from new prices."""
    return handlers.detect(event.to_dict(), event.context)


_deliver = event_sources["deliver"]


@app.on_dynamodb_record(
    stream_arn=settings.alerts_stream_arn,
    batch_size=_deliver.batch_size,
    starting_position=_deliver.starting_position,
    maximum_batching_window_in_seconds=_deliver.window_seconds,
)
def deliver(event: Any) -> dict[str, Any]:
    """Deliver new alerts to their channels."""
    return handlers.deliver(event.to_dict(), event.context)


if settings.push_url:
    _push = event_sources["push"]

    @app.on_dynamodb_record(
        stream_arn=settings.state_stream_arn,
        batch_size=_push.batch_size,
        starting_position=_push.starting_position,
        maximum_batching_window_in_seconds=_push.window_seconds,
    )
    def push(event: Any) -> dict[str, Any]:
        """Publish new states to open pages."""
        return handlers.push(event.to_dict(), event.context)


_redeliver = event_sources["redeliver"]


@app.on_sqs_message(
    queue=settings.deliveries_queue,
    batch_size=_redeliver.batch_size,
    maximum_concurrency=_redeliver.maximum_concurrency,
)
def redeliver(event: Any) -> dict[str, Any]:
    """Make further attempts of deliveries that failed."""
    return handlers.redeliver(event.to_dict(), event.context)


if settings.athena_workgroup:

    @app.schedule(Cron(*COMPACTION))
    def compact(event: Any) -> dict[str, Any]:
        """Merge objects of the raw archive, and compact its finished days into Parquet."""
        return handlers.compact(event.to_dict(), event.context)
