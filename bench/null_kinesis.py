"""A Kinesis endpoint in its own process that accepts everything and stores nothing.

`python -m bench.null_kinesis` prints its port. It reads a request, counts its records and answers
like Kinesis; the rest of a measurement is the client's work.
"""

from __future__ import annotations

import asyncio
import re

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_RECORD = b'{"SequenceNumber":"49","ShardId":"shardId-000000000000"}'


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        found = _LENGTH.search(head)
        body = await reader.readexactly(int(found[1]) if found else 0)
        writer.write(_answer(head, body))
        await writer.drain()


def _answer(head: bytes, body: bytes) -> bytes:
    payload = _RECORD
    if b".PutRecords" in head:
        records = b",".join([_RECORD] * body.count(b'"PartitionKey"'))
        payload = b'{"FailedRecordCount":0,"Records":[' + records + b"]}"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
        b"Content-Length: " + str(len(payload)).encode() + b"\r\n\r\n" + payload
    )


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=1 << 23)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
