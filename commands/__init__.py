"""The operator's commands, for a running system or a deployed stage: `python -m local NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from commands.outcomes import FAILED, INTERRUPTED, USAGE, UsageError
from producer.errors import UsageError as ProducerUsageError
from producer.sinks.aws import why

Command = Callable[[list[str]], int]
"""A command: it takes the arguments after its name and returns an exit status."""

NAMES = [
    "channels",
    "compact",
    "env",
    "forget",
    "mutes",
    "rebuild",
    "redrive",
    "rules",
    "sql",
    "test-alert",
    "token",
]


def _imported(name: str) -> Command:
    """Return a command that imports its module when it is called."""
    word = name.replace("-", "_")

    def call(arguments: list[str]) -> int:
        command: Command = getattr(import_module(f"{__name__}.{word}_command"), word)
        return command(arguments)

    return call


COMMANDS: dict[str, Command] = {name: _imported(name) for name in NAMES}


def run(name: str, arguments: list[str]) -> int:
    """Run a command and return its exit status. Print an expected error in one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return COMMANDS[name](arguments)
    except (UsageError, ProducerUsageError) as error:
        return _fail(name, str(error), USAGE)
    except (BotoCoreError, ClientError) as error:
        return _fail(name, f"AWS: {why(error)}", FAILED)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", INTERRUPTED)


def _fail(name: str, text: str, status: int) -> int:
    print(f"python -m local {name}: {text}", file=sys.stderr)
    return status
