"""The entry point of `python -m producer`."""

import sys

from producer.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
