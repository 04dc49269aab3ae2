"""`python -m local`."""

import os
import sys

from local.cli import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Batches cut off midway are delivered again next time. sys.exit would wait
    # for their threads.
    os._exit(status)
