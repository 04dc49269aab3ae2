"""`python -m local compact`: compacts the archive of the running system or a deployment."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.errors import CompactionError, FieldError
from chalicelib.services.lake.texts import is_day
from commands import deployed
from commands.outcomes import FAILED, OK, UsageError, counted
from commands.target import add_target, environment
from embedded_aws.event_sources.scheduling import TIMEOUT_SECONDS, call, scheduled_event


def compact(arguments: list[str]) -> int:
    """Compact all due days, or the day of `--date`. Exit status 1 if a day failed or remains."""
    parser = argparse.ArgumentParser(
        prog="python -m local compact",
        description="Compacts finished days of the raw archive into Parquet, as the schedule does.",
    )
    parser.add_argument(
        "--date", metavar="2026-11-20", help="only this trading day, even if it is compacted"
    )
    add_target(parser)
    options = parser.parse_args(arguments)
    if options.date is not None and not is_day(options.date):
        raise UsageError(f"--date: {options.date!r} is not a date such as 2026-11-20")
    try:
        answer = _deployed(options.stage, options.date) if options.stage else _running(options)
    except FieldError as error:
        raise UsageError(f"--{error}") from error
    except CompactionError as error:
        print(error, file=sys.stderr)
        return FAILED
    return _report(answer)


def _running(options: argparse.Namespace) -> dict[str, Any]:
    """Call the handler `compact` in this process, with the running system's environment."""
    os.environ.update(environment(options))
    app = importlib.import_module("app")
    event = scheduled_event(datetime.now(UTC), os.environ["AWS_REGION"], options.date)
    return call(app.compact, "compact", event)


def _deployed(name: str, day: str | None) -> dict[str, Any]:
    """Invoke the stage's function. Raises CompactionError with the function's error."""
    stage = deployed.find(name)
    event = scheduled_event(datetime.now(UTC), stage.region, day)
    try:
        answer: dict[str, Any] = deployed.invoke(
            stage, stage.functions["compact"].name, event, TIMEOUT_SECONDS + 10
        )
    except deployed.FunctionFailedError as error:
        raise CompactionError(str(error)) from error
    return answer


def _report(answer: dict[str, Any]) -> int:
    if answer["busy"]:
        print("another run holds the lease; try again when it has ended", file=sys.stderr)
        return FAILED
    days = answer["days"]
    which = f", {days[0]} to {days[-1]}" if days else ""
    print(f"compacted {counted(len(days), 'day')}{which}: {counted(answer['ticks'], 'tick')}")
    if answer["left"]:
        print("time ran out before all days were done; run the command again", file=sys.stderr)
        return FAILED
    return OK
