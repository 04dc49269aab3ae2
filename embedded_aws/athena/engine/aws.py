"""The engine's access to the emulator's Glue and S3 over HTTP, many objects at a time."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.emulator.object_reading import unpacked
from embedded_aws.environment import Keys
from embedded_aws.signing import signed

_NAMES_AT_ONCE = 5000
_BODIES_AT_ONCE = 100


class StoredBody(NamedTuple):
    """The ETag, size and body of an object; `body` is None if the caller knows this ETag."""

    etag: str
    size: int
    body: bytes | None


class Aws:
    """Sends requests to the emulator at a port of this machine, over one connection per thread."""

    def __init__(self, port: int, keys: Keys) -> None:
        self._port = port
        self._keys = keys
        self._of_thread = threading.local()

    def glue(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation of Glue and return Glue's answer.

        Raises LookupError if an entity does not exist, and QueryError for other errors.
        """
        headers = {
            "X-Amz-Target": f"AWSGlue.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        status, body = self._ask("glue", "POST", "/", json.dumps(request).encode(), headers)
        answer: dict[str, Any] = json.loads(body or b"{}")
        if status < 400:
            return answer
        if "EntityNotFound" in str(answer.get("__type", "")):
            raise LookupError(answer.get("message") or answer.get("Message") or operation)
        raise QueryError("HIVE_METASTORE_ERROR", f"{operation}: {body.decode()}")

    def put(self, address: str, body: bytes) -> None:
        """Put an object at the address `s3://bucket/key`. Raises QueryError if that fails."""
        path = "/" + quote(address.removeprefix("s3://"))
        status, answer = self._ask("s3", "PUT", path, body)
        if status >= 400:
            reason = answer.decode(errors="replace")
            raise QueryError("HIVE_WRITER_CLOSE_ERROR", f"{address}: {reason}")

    def names(self, address: str) -> Iterator[str]:
        """Yield the keys of the objects under the address `s3://bucket/prefix`, sorted."""
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        after = ""
        while True:
            page = self._private(
                "names", bucket=bucket, prefix=prefix, after=after, most=_NAMES_AT_ONCE
            )
            found: list[str] = json.loads(page)
            yield from found
            if len(found) < _NAMES_AT_ONCE:
                return
            after = found[-1]

    def partitions(self, database: str, table: str) -> list[tuple[list[str], str]]:
        """Return the values and location of each partition of a Glue table, sorted by values."""
        found: list[tuple[list[str], str]] = json.loads(
            self._private("partitions", database=database, table=table)
        )
        return found

    def bodies(
        self, bucket: str, keys: Sequence[str], known: dict[str, str]
    ) -> Iterator[tuple[str, StoredBody]]:
        """Yield the key and content of each object that exists.

        `known` maps keys to the ETags that the caller knows. The body of an object whose ETag is
        still the known one is left out.
        """
        for start in range(0, len(keys), _BODIES_AT_ONCE):
            part = keys[start : start + _BODIES_AT_ONCE]
            raw = self._private(
                "bodies", bucket=bucket, keys=part, known=[known.get(key) for key in part]
            )
            for key, etag, size, body in unpacked(part, raw):
                yield key, StoredBody(etag, size, body)

    def _private(self, name: str, **request: Any) -> bytes:
        asked = json.dumps(request).encode()
        status, body = self._ask("ticktape", "POST", f"/_ticktape/{name}", asked)
        if status >= 400:
            raise QueryError("HIVE_FILESYSTEM_ERROR", f"{name}: status {status}")
        return body

    def _ask(
        self,
        service: str,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, bytes]:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
            self._of_thread.connection = connection
        try:
            url = f"http://127.0.0.1:{self._port}{path}"
            given = signed(self._keys, service, method, url, body, headers)
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._of_thread.connection = None
            connection.close()
            raise
