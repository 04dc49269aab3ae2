"""The target of a command: a deployed stage with `--stage`, else the running system."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from chalicelib.api import instants
from local.commands import deployed
from local.commands.choosing import enter, find_running
from local.errors import UsageError


def environment(options: argparse.Namespace) -> Mapping[str, str]:
    """Point this process at the target's AWS and region; return the variables of its functions.

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


def instant(option: str, given: str | None) -> str | None:
    """Return the instant of an option, in UTC with six digits. Raises UsageError."""
    try:
        return None if given is None else instants.parse(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}; allowed: {instants.ALLOWED}") from error
