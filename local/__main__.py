"""`python -m local`."""

import os
import sys

from local.cli import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Whatever was cut off in the middle of a batch is delivered again next time: its threads
    # must not hold up the end, which sys.exit would let them do.
    os._exit(status)
