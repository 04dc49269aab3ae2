"""Runs `python -m local`."""

import os
import sys

from local.cli import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # sys.exit would wait for the threads of interrupted batches, which the next start repeats.
    os._exit(status)
