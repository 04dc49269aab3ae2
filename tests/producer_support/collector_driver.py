"""A process that starts the collector's function repeatedly, in minutes of twelve seconds.

Its argument is the name under which it holds leases.
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime, timedelta

from embedded_aws.event_sources.lambda_events import Context
from producer.collector import function

PASSED = timedelta(seconds=45)
"""The part of a minute that has passed when the minute's event arrives."""


def main() -> None:
    """Run the collector until this process is killed."""
    while True:
        context = Context("collector", timeout_seconds=90, region="us-east-1")
        context.aws_request_id = f"{sys.argv[1]}-{uuid.uuid4()}"
        begun = datetime.now(UTC) - PASSED
        function.handler({"time": begun.isoformat()}, context)


if __name__ == "__main__":
    main()
