"""Runs a module in a child process that never outlives its parent.

Use `python -m embedded_aws.child MODULE ARGS...`. The parent holds the other end of the child's
standard input. When the parent closes that end or is killed, the child gets SIGTERM. If it does not
end then, it is killed.
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
    """Start a thread that ends this process when standard input closes."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def how_it_ended(status: int) -> str:
    """Describe a process's exit status. A negative status is a signal, as in subprocess."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed ({name})"


def main(arguments: list[str]) -> None:
    """Run the module named by the first argument, with the remaining arguments."""
    module, *rest = arguments
    sys.argv = [module, *rest]
    end_with_parent()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
