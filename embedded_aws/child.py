"""Runs a module as a child that never outlives its parent: `python -m embedded_aws.child MODULE
ARGS...`.

The parent holds the other end of standard input. That end closes when the parent closes it or is
killed. Then the child is sent SIGTERM, and is killed if it does not end.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 3.0


def end_with_parent() -> None:
    """Watch standard input from a thread; end this process when it closes."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def how_it_ended(status: int) -> str:
    """Describe an exit status; a negative one is a signal, as in subprocess."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed ({name})"


def main(arguments: list[str]) -> None:
    """Run the module named first with the remaining arguments."""
    module, *rest = arguments
    sys.argv = [module, *rest]
    end_with_parent()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
