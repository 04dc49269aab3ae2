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
    """Tag the log lines of a request or an event with its id."""
    json_logs.correlate(json_logs.id_of(event))
    return get_response(event)


@app.authorizer(ttl_seconds=access.CACHE_SECONDS)
def bearer_token(request: Any) -> AuthResponse:
    """Return the policy of a request's API key: the routes that the key may call."""
    return access.authorize(request, bootstrap.get_services().keys)


def _stream(handler: str) -> dict[str, Any]:
    """Return a stream handler's event source settings as arguments of Chalice's decorator."""
    source = event_sources[handler]
    return {
        "batch_size": source.batch_size,
        "starting_position": source.starting_position,
        "maximum_batching_window_in_seconds": source.window_seconds,
    }


def _queue(handler: str) -> dict[str, Any]:
    """Return a queue handler's event source settings as arguments of Chalice's decorator."""
    source = event_sources[handler]
    return {
        "batch_size": source.batch_size,
        "maximum_concurrency": source.maximum_concurrency,
    }


app.register_blueprint(
    routes.make_blueprint(bootstrap.get_services, bearer_token, read_access=settings.read_access)
)

if settings.ticks_stream:

    @app.on_kinesis_record(stream=settings.ticks_stream, **_stream("ingest_kinesis"))
    def ingest_kinesis(event: Any) -> dict[str, Any]:
        """Store the records of the Kinesis stream in the archive and the prices table."""
        return handlers.ingest_kinesis(event.to_dict(), event.context)


if settings.ticks_queue:

    @app.on_sqs_message(queue=settings.ticks_queue, **_queue("ingest_sqs"))
    def ingest_sqs(event: Any) -> dict[str, Any]:
        """Store the messages of the SQS queue in the archive and the prices table."""
        return handlers.ingest_sqs(event.to_dict(), event.context)


@app.on_dynamodb_record(stream_arn=settings.prices_stream_arn, **_stream("detect"))
def detect(event: Any) -> dict[str, Any]:
    """Compute bars and alerts from changed prices."""
    return handlers.detect(event.to_dict(), event.context)


@app.on_dynamodb_record(stream_arn=settings.alerts_stream_arn, **_stream("deliver"))
def deliver(event: Any) -> dict[str, Any]:
    """Deliver new alerts to their channels."""
    return handlers.deliver(event.to_dict(), event.context)


if settings.push_url:

    @app.on_dynamodb_record(stream_arn=settings.state_stream_arn, **_stream("push"))
    def push(event: Any) -> dict[str, Any]:
        """Publish new detection states to open pages."""
        return handlers.push(event.to_dict(), event.context)


@app.on_sqs_message(queue=settings.deliveries_queue, **_queue("redeliver"))
def redeliver(event: Any) -> dict[str, Any]:
    """Retry failed deliveries of alerts."""
    return handlers.redeliver(event.to_dict(), event.context)


if settings.athena_workgroup:

    @app.schedule(Cron(*COMPACTION))
    def compact(event: Any) -> dict[str, Any]:
        """Merge objects of the raw archive, and compact its finished days into Parquet."""
        return handlers.compact(event.to_dict(), event.context)
