"""Reads the environment once into typed settings.

Terraform's `environment` output and the local provisioner set the same variables. Nothing else in
the package reads `os.environ`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.event_sources import ADJUSTABLE, EVENT_SOURCES, EventSource
from chalicelib.tables import TableNames

BARS, EVERY_TICK = "bars", "every-tick"
"""Values of ALERTS: the default rules send crosses on bars only, or on every tick."""

MOST_CHANNELS = 100
"""The most channels of pushed prices, since a connection to AppSync Events has at most 100
subscriptions."""

_CHOICES = {"read_access": ("open", "closed"), "alerts": (BARS, EVERY_TICK)}


class SettingsError(ValueError):
    """A variable is missing, malformed or out of range. The message names the variable and what is
    allowed."""


class Settings(TableNames, frozen=True, kw_only=True):
    """One deployment's settings. Each field is read from the variable of its name in capitals.

    If a setting of an event source is None, the value in `event_sources.py` applies.
    """

    stage: str = "dev"
    account_id: str = ""
    archive_bucket: str
    failures_bucket: str
    alerts_topic_arn: str
    prices_stream_arn: str
    alerts_stream_arn: str
    deliveries_queue: str
    deliveries_queue_url: str
    deliveries_dead_queue_url: str
    athena_workgroup: str = ""
    athena_database: str = ""
    ticks_stream: str = ""
    ticks_queue: str = ""
    ticks_queue_url: str = ""
    channels_key: str = ""
    state_stream_arn: str = ""
    push_url: str = ""
    push_socket: str = ""
    push_key: str = ""
    push_channels: int = 1
    page_url: str = ""
    cors_origin: str = ""
    read_access: str = "closed"
    write_token_sha256: str = ""
    anomaly_percent: str = "5"
    sma_fast: int = 5
    sma_slow: int = 20
    alerts: str = BARS
    quiet_after_seconds: int = 900
    silent_after_seconds: int = 900
    max_symbols: int = 20_000
    prices_ttl_days: int = 30
    bars_1m_ttl_days: int = 90
    bars_1h_ttl_days: int = 730
    ingest_kinesis_batch_size: int | None = None
    ingest_kinesis_window_seconds: int | None = None
    ingest_kinesis_parallelization: int | None = None
    ingest_sqs_batch_size: int | None = None
    ingest_sqs_concurrency: int | None = None
    detect_batch_size: int | None = None
    detect_window_seconds: int | None = None
    detect_parallelization: int | None = None
    deliver_batch_size: int | None = None
    deliver_window_seconds: int | None = None
    deliver_parallelization: int | None = None
    push_batch_size: int | None = None
    push_window_seconds: int | None = None
    redeliver_batch_size: int | None = None
    redeliver_concurrency: int | None = None
    log_level: str = "INFO"
    aws_lambda_function_name: str = ""


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. An empty variable counts as missing.

    Raises SettingsError, which names the variable.
    """
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    given: dict[str, Any] = {
        name: environ[name.upper()] for name in fields if environ.get(name.upper())
    }
    missing = [
        name.upper() for name, field in fields.items() if field.required and name not in given
    ]
    if missing:
        raise SettingsError(f"missing environment variables: {', '.join(sorted(missing))}")
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"malformed environment variable: {error}") from error
    for name, allowed in _CHOICES.items():
        if (value := getattr(settings, name)) not in allowed:
            raise SettingsError(f"{name.upper()} is {value!r}; allowed: {', '.join(allowed)}")
    if not 1 <= settings.push_channels <= MOST_CHANNELS:
        count = settings.push_channels
        raise SettingsError(f"PUSH_CHANNELS is {count}; allowed: 1 to {MOST_CHANNELS}")
    _check_event_sources(settings)
    return settings


def _check_event_sources(settings: Settings) -> None:
    for name, limits in ADJUSTABLE.items():
        value = getattr(settings, name)
        if value is not None and not limits.least <= value <= limits.most:
            allowed = f"{limits.least} to {limits.most:,}"
            raise SettingsError(f"{name.upper()} is {value}; allowed: {allowed}")


def configured(settings: Settings) -> dict[str, EventSource]:
    """Return the event sources by handler. A stage's settings replace their default fields."""
    found = dict(EVENT_SOURCES)
    for name, adjustable in ADJUSTABLE.items():
        value = getattr(settings, name)
        if value is not None:
            source = found[adjustable.handler]
            found[source.handler] = msgspec.structs.replace(source, **{adjustable.field: value})
    return found
