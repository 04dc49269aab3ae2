"""Counts the dead-lettered batches in the failures bucket, whose keys Lambda defines."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("ticktape.failures")

PREFIX = "aws/lambda/"
MOST = 1000


def count_batches(client: Any, bucket: str) -> int | None:
    """See Stores. One request, whose answer has at most 1,000 keys."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=PREFIX, MaxKeys=MOST)
    except (BotoCoreError, ClientError) as error:
        log.warning("cannot list dead-lettered batches: %s", error)
        return None
    return int(answer["KeyCount"])
