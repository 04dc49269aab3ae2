"""The failures bucket: dead-lettered batches, in Lambda's own key format."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("ticktape.failures")

PREFIX = "aws/lambda/"
MOST = 1000


class Failures:
    """FailureStore over S3: one request, whose answer has at most 1,000 keys."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def count(self) -> int | None:
        """See FailureStore."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=PREFIX, MaxKeys=MOST)
        except (BotoCoreError, ClientError) as error:
            log.warning("cannot list dead-lettered batches: %s", error)
            return None
        return int(answer["KeyCount"])
