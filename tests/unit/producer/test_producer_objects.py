"""Objects on S3 that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from producer.sinks import aws
from producer.sources import objects

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
BROKEN = ReadTimeoutError(endpoint_url="https://s3")


class Body:
    """Breaks off."""

    def read(self, _size: int) -> bytes:
        raise BROKEN


class Client:
    """Refuses one key; the bodies of the others break off."""

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key == "denied":
            raise DENIED
        return {"Body": Body(), "ContentLength": 5}


@pytest.mark.parametrize("read", ["body", "file"])
@pytest.mark.parametrize(
    ("key", "reason"), [("denied", "AccessDenied"), ("broken", "no answer in time")]
)
def test_an_object_that_cannot_be_read_is_an_os_error_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, read: str, key: str, reason: str
) -> None:
    """A denied object ended `replay` with a traceback."""
    monkeypatch.setattr(aws, "client", lambda _name: Client())
    bucket = objects.Bucket("s3://archive/raw")
    reads: dict[str, Callable[[], object]] = {
        "body": lambda: bucket.body(key),
        "file": lambda: bucket.file(key, tmp_path / "copy"),
    }
    with pytest.raises(OSError, match=rf"(?i){reason}"):
        reads[read]()
