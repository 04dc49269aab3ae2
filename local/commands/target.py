"""The target of a command: a deployed stage with `--stage`, else the running system."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib import settings
from chalicelib.api import instants
from chalicelib.bootstrap import Services
from local.commands import deployed
from local.commands.choosing import add_flags, connect, enter, find_running
from local.errors import UsageError


def environment(options: argparse.Namespace) -> Mapping[str, str]:
    """Point this process at the target's AWS and region; return its functions' environment.

    Raises UsageError if the target is not found.
    """
    if options.stage:
        stage = deployed.find(options.stage)
        deployed.enter(stage)
        return stage.environment
    facts = find_running(options)
    enter(facts)
    found: Mapping[str, str] = facts["environment"]
    return found


def services(options: argparse.Namespace) -> Services:
    """Return the services of the target. Raises UsageError if it is not found."""
    return Services(settings.load(environment(options)))


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose the target."""
    parser.add_argument(
        "--stage",
        help="use this deployment, with your AWS credentials, not the running system",
    )
    add_flags(parser)


def clients(options: argparse.Namespace) -> tuple[Callable[[str], Any], Mapping[str, str]]:
    """Return a function that makes clients of the target, and its functions' environment.

    Raises UsageError if the target is not found.
    """
    if options.stage:
        stage = deployed.find(options.stage)
        return stage.client, stage.environment
    facts = find_running(options)
    return connect(facts), facts["environment"]


def instant(option: str, given: str | None) -> str | None:
    """Return an option's instant as UTC text with microseconds; None without one. Raises
    UsageError that names the option."""
    try:
        return None if given is None else instants.parse(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}; allowed: {instants.ALLOWED}") from error
