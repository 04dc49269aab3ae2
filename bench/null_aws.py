"""An endpoint for DynamoDB, S3, SNS and Kinesis that accepts everything and stores nothing.

It is a separate process, so that its CPU is not counted with the client's. `python -m
bench.null_aws` prints its port. Answers are well formed. Writes succeed; reads are empty unless the
benchmark has set their results (`NullAws.answer`, `NullAws.store`). DynamoDB's checksums are
included, and a client that waits for "100 Continue" gets it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import stored
from embedded_aws.environment import Keys, point_at

CONTROL = "/_bench"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *[\w.]+\.(\w+)", re.IGNORECASE)
_CONTINUE = re.compile(rb"expect: *100-continue", re.IGNORECASE)
_TABLE = re.compile(rb'"TableName": ?"([^"]+)"|"RequestItems": ?\{"([^"]+)"')
_RECORD = b'{"SequenceNumber":"49","ShardId":"shardId-000000000000"}'
_PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>00000000-0000-0000-0000-000000000000</MessageId></PublishResult>"
    b"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
)
_ETAG = b'ETag: "d41d8cd98f00b204e9800998ecf8427e"\r\n'
_EMPTY: dict[str, bytes] = {
    "BatchWriteItem": b'{"UnprocessedItems":{}}',
    "BatchGetItem": b'{"Responses":{},"UnprocessedKeys":{}}',
    "Query": b'{"Count":0,"Items":[],"ScannedCount":0}',
}
_ROWS: dict[str, Callable[[int], stored.Rows]] = {"prices": stored.ticks, "bars": stored.bars}


class Endpoint:
    """Makes the endpoint's responses. `answers` has the answers that were set, by "Operation
    table"; `rows` has the stored rows by table."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.rows: dict[str, stored.Rows] = {}

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the whole response to a request."""
        if head.startswith(b"PUT " + CONTROL.encode()):
            self._control(json.loads(body))
            return _response(b"", b"")
        target = _TARGET.search(head)
        if target is not None:
            return _json(self._operation(target[1].decode(), body))
        if head.startswith(b"PUT "):
            return _response(b"", _ETAG)
        return _response(_PUBLISHED, b"Content-Type: text/xml\r\n")

    def _control(self, given: dict[str, Any]) -> None:
        self.answers |= {name: json.dumps(a).encode() for name, a in given["answers"].items()}
        self.rows |= {name: _ROWS[name](count) for name, count in given["rows"].items()}

    def _operation(self, operation: str, body: bytes) -> bytes:
        if operation == "PutRecord":
            return _RECORD
        if operation == "PutRecords":
            records = b",".join([_RECORD] * body.count(b'"PartitionKey"'))
            return b'{"FailedRecordCount":0,"Records":[' + records + b"]}"
        if operation == "BatchExecuteStatement":
            answers = b",".join([b"{}"] * body.count(b'"Statement":'))
            return b'{"Responses":[' + answers + b"]}"
        found = _TABLE.search(body)
        table = (found[1] or found[2]).decode() if found else ""
        if operation == "Query" and table in self.rows:
            return json.dumps(self.rows[table].query(json.loads(body))).encode()
        if operation == "UpdateItem" and b'"ALL_NEW"' in body:
            return _updated(json.loads(body))
        return self.answers.get(f"{operation} {table}") or _EMPTY.get(operation, b"{}")


def _updated(request: dict[str, Any]) -> bytes:
    """Return the answer to an update `SET #name = ... :name`, as if it had created an item."""
    values = request["ExpressionAttributeValues"]
    given = {name.removeprefix(":"): value for name, value in values.items()}
    return json.dumps({"Attributes": {**request["Key"], **given}}).encode()


def _json(payload: bytes) -> bytes:
    crc = str(zlib.crc32(payload)).encode()
    headers = b"Content-Type: application/x-amz-json-1.0\r\nx-amz-crc32: " + crc + b"\r\n"
    return _response(payload, headers)


def _response(payload: bytes, headers: bytes) -> bytes:
    length = b"Content-Length: " + str(len(payload)).encode()
    return b"HTTP/1.1 200 OK\r\n" + headers + length + b"\r\n\r\n" + payload


async def _main() -> None:
    endpoint = Endpoint()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                if _CONTINUE.search(head):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1]) if found else 0)
                writer.write(endpoint.answer(head, body))
                await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 23)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class NullAws:
    """Controls a running endpoint from the benchmark's process."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def answer(self, operation: str, table: str, answer: dict[str, Any]) -> None:
        """Set the answer that the endpoint gives to an operation on a table."""
        self._tell({"answers": {f"{operation} {table}": answer}, "rows": {}})

    def store(self, table: str, rows: int) -> None:
        """Give the table `prices` or `bars` this many rows for every key (see stored.py)."""
        self._tell({"answers": {}, "rows": {table: rows}})

    def _tell(self, what: dict[str, Any]) -> None:
        data = json.dumps(what).encode()
        request = urllib.request.Request(self.url + CONTROL, data, method="PUT")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
            pass


@contextmanager
def null_aws() -> Iterator[NullAws]:
    """Run the endpoint. Meanwhile the environment leads clients to it and to no proxy."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.null_aws"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    before = dict(os.environ)
    try:
        assert process.stdout is not None
        aws = NullAws(int(process.stdout.readline()))
        point_at(os.environ, aws.url, Keys("bench", "bench"))
        yield aws
    finally:
        os.environ.clear()
        os.environ.update(before)
        process.terminate()
        process.communicate(timeout=10)


if __name__ == "__main__":
    asyncio.run(_main())
