"""Presigned links to query results in S3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def result_link(client: Any, location: str, seconds: int) -> str:
    """Return a link to `s3://bucket/key`. It expires after `seconds`, or with the credentials that
    sign it. The client signs with Signature Version 4, which encrypted objects need."""
    parts = urlsplit(location)
    where = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
    return str(client.generate_presigned_url("get_object", Params=where, ExpiresIn=seconds))
