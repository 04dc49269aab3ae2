"""The target of a command: with `--stage` a deployed stage, else a running system.

The running system is the only one, or the one that `--data` or `--api` names.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from commands import deployed, running_file
from commands.aws_environment import keep_users, keys_of
from commands.outcomes import UsageError
from embedded_aws.environment import REGION, point_at

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

Facts = dict[str, Any]
"""The contents of a running file: addresses, region, keys, data folder and environment."""


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose the target."""
    parser.add_argument(
        "--stage",
        help="use this deployment, with your AWS credentials, not the running system",
    )
    add_flags(parser)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--data` and `--api`, which choose among several running systems."""
    group = parser.add_argument_group("if several systems run")
    group.add_argument("--data", metavar="DIR|none", help="choose the one with this data folder")
    group.add_argument("--api", metavar="URL", help="choose the one with this API address")


def services(options: argparse.Namespace) -> Services:
    """Return the services of the target. Raises UsageError if the target is not found."""
    from chalicelib import settings
    from chalicelib.bootstrap import Services

    return Services(settings.load(environment(options)))


def environment(options: argparse.Namespace) -> Mapping[str, str]:
    """Point this process at the target's AWS and region. Return its functions' environment. Raises
    UsageError if the target is not found."""
    if options.stage:
        stage = deployed.find(options.stage)
        deployed.enter(stage)
        return stage.environment
    facts = find_running(options)
    enter(facts)
    found: Mapping[str, str] = facts["environment"]
    return found


def clients(options: argparse.Namespace) -> tuple[Callable[[str], Any], Mapping[str, str]]:
    """Return a function that creates the target's clients, and the environment of its functions.
    Raises UsageError if the target is not found."""
    if options.stage:
        stage = deployed.find(options.stage)
        return stage.client, stage.environment
    facts = find_running(options)
    return connect(facts), facts["environment"]


def find_running(options: argparse.Namespace) -> Facts:
    """Return the facts of the chosen system. Raises UsageError unless exactly one is chosen."""
    running: list[Facts] = running_file.find()
    if not running:
        raise UsageError("no running system was found; start one with `make run`")
    found = [facts for facts in running if _is_meant(facts, options)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no running system matches; running: {_listed(running)}")
    raise UsageError(
        f"{len(found)} systems run: {_listed(found)}; choose one with --api URL or --data DIR"
    )


def _is_meant(facts: Facts, options: argparse.Namespace) -> bool:
    if options.api is not None and _place(options.api) != _place(str(facts["api"])):
        return False
    return options.data is None or _folder(options.data) == facts["data"]


def _place(url: str) -> tuple[str, int | None]:
    """Return an address's host and port. The address may be `localhost` or lack a scheme."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return (parts.hostname or "").replace("localhost", "127.0.0.1"), parts.port
    except ValueError as error:
        raise UsageError(
            f"--api: {url!r} is not an address such as http://127.0.0.1:8000"
        ) from error


def _folder(given: str) -> str | None:
    return None if given == "none" else str(Path(given).resolve())


def _listed(running: Sequence[Facts]) -> str:
    return ", ".join(f"{facts['api']} (data: {facts['data'] or 'none'})" for facts in running)


def enter(facts: Facts) -> None:
    """Point this process at a system's AWS. A user's own endpoint keeps the user's keys."""
    if keys := keys_of(facts):
        point_at(os.environ, str(facts["aws"]), keys, str(facts.get("region", REGION)))
        return
    os.environ["AWS_ENDPOINT_URL"] = str(facts["aws"])
    os.environ["AWS_REGION"] = str(facts.get("region", REGION))
    keep_users(os.environ)


def connect(facts: Facts) -> Callable[[str], Any]:
    """Point this process at a system's AWS. Return a function that creates clients."""
    import boto3

    enter(facts)
    make: Callable[[str], Any] = boto3.client
    return make
