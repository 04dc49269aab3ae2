"""`python -m local`: parses arguments, runs the system and returns an exit status."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import commands
from commands.outcomes import FAILED, USAGE, UsageError, counted
from embedded_aws.environment import bypass_proxy
from embedded_aws.errors import EndedError
from producer import region
from producer.endings import on_end_signal
from producer.reasons import in_full
from untrusted.printable import errors_printed_plainly, printed_plainly

if TYPE_CHECKING:
    from local.system import System

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 4.5


def main(arguments: list[str]) -> int:
    """Run a command, or the system until it stops. Return the exit status that `--help` lists."""
    os.umask(0o077)  # no other user of the machine may read what the system writes
    region.adopt(os.environ)
    bypass_proxy(os.environ)
    if arguments and arguments[0] in commands.COMMANDS:
        with printed_plainly():
            return commands.run(arguments[0], arguments[1:])
    with errors_printed_plainly():  # the live view itself uses control characters
        return _run_system(arguments)


def _run_system(arguments: list[str]) -> int:
    # Commands do not wait for these imports.
    from local.arguments import parse
    from local.system import StartError, System

    try:
        with _limited_logs("--verbose" in arguments):
            options = parse(arguments)
            system = System(options)
            return _run(system, options.seconds)
    except UsageError as error:
        print(f"python -m local: {error}", file=sys.stderr)
        return USAGE
    except StartError as error:
        print(f"python -m local: {error}", file=sys.stderr)
        if "--verbose" in arguments and error.__cause__ is not None:
            print(f"caused by {in_full(error.__cause__)}", file=sys.stderr)
        return FAILED
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"python -m local: {error.strerror or error}{where}", file=sys.stderr)
        return FAILED


@contextlib.contextmanager
def _limited_logs(verbose: bool) -> Iterator[None]:
    """Limit the log of the terminal, and say at the end how much was left out.

    Each handler has a filter of its own: a shared one would take the second handler's record for a
    repetition of the first one's.
    """
    from local.quiet_logs import OnceAMinute, TerminalFormatter

    logging.basicConfig(level=logging.WARNING)
    changed = [
        (handler, handler.formatter, OnceAMinute(verbose))
        for handler in logging.getLogger().handlers
    ]
    for handler, _, quiet in changed:
        handler.setFormatter(TerminalFormatter(verbose))
        handler.addFilter(quiet)
    try:
        yield
    finally:
        for handler, formatter, quiet in changed:
            handler.setFormatter(formatter)
            handler.removeFilter(quiet)
        if count := max((quiet.left_out() for *_, quiet in changed), default=0):
            print(f"{counted(count, 'repeated message')} left out", file=sys.stderr)


def _run(system: System, seconds: float | None) -> int:
    with on_end_signal(_ENDING, system.ended.set, at_once=False):
        try:
            with contextlib.suppress(EndedError):
                system.start()
            system.ended.wait(seconds)
        finally:
            stop_within(STOP_SECONDS, system.stop)
            system.tell_end()
    return system.exit_status


def stop_within(seconds: float, stop: Callable[[], None]) -> None:
    """Call `stop` in a thread and wait at most `seconds`; a hanging call ends with the process."""
    stopping = threading.Thread(target=stop, name="stop", daemon=True)
    stopping.start()
    stopping.join(seconds)
