"""Bodies that KMS refuses."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from typing import Any

import pytest

from embedded_aws.kms import Kms


@pytest.mark.parametrize("body", [b"[]", b"null", b"x", b"\xff", b"[" * 100_000, b"5"])
def test_a_body_that_is_not_a_json_object_is_refused(body: bytes) -> None:
    answered: list[Any] = []
    environ = {"HTTP_X_AMZ_TARGET": "TrentService.Decrypt", "wsgi.input": io.BytesIO(body)}
    service = Kms(sqlite3.connect(":memory:"), threading.Lock())
    (answer,) = service(environ, lambda status, headers: answered.append(status))
    assert answered == ["400 Bad Request"]
    assert json.loads(answer)["__type"] == "SerializationException"
