"""Emulates Lambda and API Gateway: `python -m tests.deploy_support.standing_in CALLS`."""

from __future__ import annotations

import gzip
import json
import os
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from chalicelib.domain.times import to_text
from chalicelib.services.lake.lake_sql import HISTORY, MONTHS_OF_TICKS, TABLES, views
from chalicelib.services.lake.stores import CompactedPeriod
from embedded_aws.clients import Clients
from tests.deploy_support.recorded_calls import Recorder
from tests.patience import PATIENCE_SECONDS

HANDLERS = ("ingest_kinesis", "ingest_sqs", "detect", "deliver", "redeliver")


def main(calls: Path) -> None:
    """Serve until the parent process ends, then write the recorded calls."""
    recorder = Recorder(os.environ["AWS_DEFAULT_REGION"])
    _watch_clients(recorder)
    import app
    from chalicelib.api.problems import denied, of_status
    from embedded_aws.api_gateway import api_server
    from embedded_aws.http_server import Server
    from infra.deploy.gateway import DENIED

    handler = api_server.handler(app.app, of_status, None, denied=denied(*DENIED)[1])
    gateway: Any = vars(handler)["gateway"]
    gateway.handle_request = recorder.wrap("api_handler", gateway.handle_request)
    app.bearer_token.func = recorder.within("bearer_token", app.bearer_token.func)
    server = Server(0)
    server.start(handler)
    stop = _start_pollers(app, recorder)
    print("ready", server.port, flush=True)
    sys.stdin.read()
    stop()
    _report(recorder)
    _look_for_silence(recorder)
    _compact(app, recorder)
    server.stop()
    calls.write_text(json.dumps(msgspec.to_builtins(sorted(recorder.calls))))


RIVAL = "RIVAL"
"""A symbol whose first state another invocation writes just before ours does."""


def _watch_clients(recorder: Recorder) -> None:
    from chalicelib.adapters.clients import Clients
    from chalicelib.services.call_limits import USUAL, CallLimits

    make = Clients._make
    rival = make(Clients(), "dynamodb")
    beaten: list[str] = []

    def be_faster(params: dict[str, Any], **_: Any) -> None:
        if params["Item"].get("version") and params["Item"]["symbol"]["S"] == RIVAL and not beaten:
            beaten.append(RIVAL)
            rival.put_item(TableName=params["TableName"], Item=params["Item"])

    def watched(self: Any, service: str, limits: CallLimits = USUAL, **options: str) -> Any:
        client = recorder.watch(make(self, service, limits, **options))
        if service == "dynamodb":
            client.meta.events.register("provide-client-params.dynamodb.PutItem", be_faster)
        return client

    Clients._make = watched  # type: ignore[method-assign]


def _report(recorder: Recorder) -> None:
    """Run a report as the API's routes request it."""
    from chalicelib import bootstrap

    lake = bootstrap.aws_lake(bootstrap.get_settings()).engine
    reports = bootstrap.get_services().reports

    def ask() -> None:
        run_id, _ = reports.start("average_volume", {})
        assert lake.status(run_id) is not None
        lake.rows(run_id, limit=10)

    recorder.wrap("api_handler", ask)()


def _look_for_silence(recorder: Recorder) -> None:
    """Let detect check for silent symbols, as it does every five minutes."""
    from chalicelib import bootstrap

    recorder.wrap("detect", bootstrap.get_services().silence)()


DAY = "2026-01-05"
"""A day that is compacted twice, so that its partition is created and then moved."""


def _compact(app: Any, recorder: Recorder) -> None:
    """Run compact with prepared answers of Athena."""
    from chalicelib import bootstrap
    from embedded_aws.event_sources.scheduling import call, scheduled_event

    services = bootstrap.get_services()
    services.clock = lambda: datetime.now(UTC) + timedelta(days=3)
    found, no_bars = [DAY, DAY, ""], ["", "", "", ""]  # results of the surveys of ticks and history
    counted, same = [DAY, "UTC", "1", "2"], [DAY, "2", "0"]
    of_day = [counted, same, same]  # answers for symbols, UNLOAD and check
    _answer([found, no_bars, *of_day, *of_day])
    for table in TABLES:
        Clients(os.environ)("s3").put_object(
            Bucket=services.settings.archive_bucket, Key=f"{table.name}/run=old/1.parquet", Body=b""
        )
    _put_batches(services.settings.archive_bucket)
    handler = recorder.wrap("compact", app.compact)
    region = os.environ["AWS_DEFAULT_REGION"]
    first = call(handler, "compact", scheduled_event(datetime.now(UTC), region))
    _answer([*of_day, *of_day])
    again = call(handler, "compact", scheduled_event(datetime.now(UTC), region, DAY))
    assert [*first["days"], *again["days"]] == [DAY, DAY], (first, again)
    assert first["removed"] == len(TABLES), first
    assert first["merged"] >= 2, first
    recorder.wrap("compact", _move_other_tables)()


def _move_other_tables() -> None:
    """Make compact's catalogue requests for tables that this day does not touch. Months and history
    are added, checked, and swapped for earlier ones in the views."""
    from chalicelib import bootstrap

    lake = bootstrap.aws_lake(bootstrap.get_settings())
    for table in (MONTHS_OF_TICKS, *HISTORY.values()):
        period, run = table.period_of(DAY), "0123456789"
        location = lake.objects.location(f"{table.name}/run={run}/")
        lake.catalog.stage(table, run, {period: location})
        lake.catalog.unstage(table)
        for _ in range(2):  # create the partition, then move it
            lake.catalog.switch(
                table, {period: CompactedPeriod(location, run, 1, to_text(datetime.now(UTC)))}
            )
    lake.catalog.drop(MONTHS_OF_TICKS, [MONTHS_OF_TICKS.period_of(DAY)])
    marks = lake.catalog.marks()
    wanted = views(marks.compacted_until)
    for statements in ({name: f"{text} " for name, text in wanted.items()}, wanted):
        lake.catalog.move(marks, statements)


def _put_batches(bucket: str) -> None:
    """Put two batches of today with readings, and let compact merge new objects at once."""
    from chalicelib.domain.raw_lines import pack_lines
    from chalicelib.services.lake import compact_run

    vars(compact_run)["OVERLAP"] = timedelta(minutes=-1)
    s3, now = Clients(os.environ)("s3"), datetime.now(UTC)
    line = b'{"symbol":"MERGED","timestamp":"2026-01-05T15:00:00.000000Z","price":1}'
    told = b'{"symbol":"MERGED","timestamp":"2026-01-05T15:00:00.000000Z","refused":"yes"}\n'
    for number in (1, 2):
        name = f"date={now:%Y-%m-%d}/hour={now:%H}/shardId-9-{number}-{number}.json.gz"
        s3.put_object(Bucket=bucket, Key=f"readings/{name}", Body=gzip.compress(told))
        s3.put_object(Bucket=bucket, Key=f"raw/{name}", Body=pack_lines([(line, now)]))


def _answer(results: list[list[str]]) -> None:
    """Set Athena's next results, of one row each."""
    queued = [{"rows": [{"Data": [{"VarCharValue": cell} for cell in row]}]} for row in results]
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + "/moto-api/static/athena/query-results",
        json.dumps({"results": [{**entry, "column_info": []} for entry in queued]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status == 201


def _cold(handler: Any) -> Any:
    """Return a handler that delivers as in a new container, which has not loaded any channel."""
    from chalicelib import bootstrap

    def called(*arguments: Any) -> Any:
        vars(bootstrap.get_services()).pop("deliver", None)
        return handler(*arguments)

    return called


def _start_pollers(app: Any, recorder: Recorder) -> Any:
    from chalicelib.event_sources import EVENT_SOURCES
    from embedded_aws.event_sources.checkpoints import Checkpoints
    from embedded_aws.event_sources.invoking import Function
    from embedded_aws.event_sources.queue_mapping import QueueMapping
    from embedded_aws.event_sources.wakeups import Wakeups
    from infra import resources
    from local.mappings import as_source, make

    clients = Clients(os.environ)
    wrapped: Any = SimpleNamespace(
        **{name: recorder.wrap(name, _cold(getattr(app, name))) for name in HANDLERS}
    )
    checkpoints = Checkpoints(None)
    mappings = make(wrapped, os.environ, resources.load(), clients, checkpoints, None)
    wakeups = Wakeups(None)
    queue = QueueMapping(
        as_source(EVENT_SOURCES["ingest_sqs"]),
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
