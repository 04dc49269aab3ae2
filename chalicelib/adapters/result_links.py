"""Presigned links to Athena's results in S3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


class ResultLinks:
    """Links over an S3 client that signs with Signature Version 4, which encrypted objects need.

    A link expires with the credentials that signed it, if that is sooner.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def link(self, location: str, seconds: int) -> str:
        """See Links."""
        parts = urlsplit(location)
        where = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        return str(
            self._client.generate_presigned_url("get_object", Params=where, ExpiresIn=seconds)
        )
