"""The WebSocket endpoint: one thread with an event loop serves all subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import threading
from collections.abc import Collection, Coroutine, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from embedded_aws.event_api.handshake import PROTOCOL, authorization_of, has_key, refusal
from embedded_aws.event_api.limits import Limits
from embedded_aws.event_api.places import Places
from embedded_aws.event_api.session import Session, refused_connection
from embedded_aws.event_api.subscribers import Subscriber, Waiting

UNAUTHORIZED, TOO_SLOW, TRY_LATER = 4401, 1008, 1013
"""WebSocket close codes."""

STOP_SECONDS = 2.0

BACKLOG = 16
"""The most connections accepted at once, each with a file, before the oldest can be closed."""

_PROTOCOLS_HEADER = "Sec-WebSocket-Protocol"

logging.getLogger("websockets.server").setLevel(logging.CRITICAL)


class _Connection(ServerConnection):
    """A connection that counts from the moment at which it is accepted."""

    def __init__(self, places: Places[ServerConnection], *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._places = places

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection. If too many are being opened, close the oldest of these."""
        super().connection_made(transport)
        oldest = self._places.accepted(self)
        if oldest is not None:
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._places.closed(self)
        super().connection_lost(exc)


class Sockets:
    """The WebSocket endpoint of an API on 127.0.0.1. Only pages of these `origins` may connect."""

    def __init__(
        self, key: str, namespaces: Collection[str], origins: Collection[str], limits: Limits
    ) -> None:
        self._key, self._namespaces = key, frozenset(namespaces)
        self._origins, self._limits = frozenset(origins), limits
        self._subscribers: set[Subscriber] = set()
        self._waiting = Waiting(limits)
        self._places: Places[ServerConnection] = Places(limits)
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="event sockets", daemon=True)
        self.port = 0

    def start(self, port: int = 0) -> None:
        """Bind a port and serve it in a thread. Raises OSError if the port is taken."""
        self._server = self._loop.run_until_complete(self._bind(port))
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        if self._server is not None:
            ending = asyncio.run_coroutine_threadsafe(self._end(self._server), self._loop)
            with contextlib.suppress(TimeoutError):
                ending.result(STOP_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def send(self, channel: tuple[str, ...], events: Sequence[str]) -> None:
        """Send events to the subscribers of a channel. Any thread may call this."""
        self._loop.call_soon_threadsafe(self._send, channel, events)

    def subscribed(self) -> int:
        """Return the number of subscribers."""
        return len(self._subscribers)

    async def _bind(self, port: int) -> Server:
        made: Any = functools.partial(_Connection, self._places)
        return await serve(
            self._serve,
            "127.0.0.1",
            port,
            process_request=self._let_in,
            select_subprotocol=self._select,
            open_timeout=self._limits.init_seconds,
            max_size=self._limits.message_bytes,
            max_queue=4,
            compression=None,
            close_timeout=1.0,
            create_connection=made,
            backlog=BACKLOG,
        )

    async def _end(self, server: Server) -> None:
        server.close(close_connections=True)
        await server.wait_closed()

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        hosts = request.headers.get_all("Host")
        host = hosts[0] if len(hosts) == 1 else ""
        origins = request.headers.get_all("Origin")
        refused = refusal(request.path, host, self.port, origins, self._origins)
        if refused is None and self._places.are_taken:
            refused = HTTPStatus.SERVICE_UNAVAILABLE, "too many connections"
        if refused is None:
            return None
        return connection.respond(HTTPStatus(refused[0]), f"{refused[1]}\n")

    @staticmethod
    def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol(PROTOCOL) if PROTOCOL in offered else None

    async def _serve(self, connection: ServerConnection) -> None:
        session = Session(self._key, self._namespaces)
        subscriber = Subscriber(session, self._waiting)
        try:
            await self._converse(connection, subscriber)
        except ConnectionClosed:
            pass  # the client closed it, or sent a message that is too long
        finally:
            self._subscribers.discard(subscriber)
            subscriber.close()

    async def _converse(self, connection: ServerConnection, subscriber: Subscriber) -> None:
        offered = _protocols(connection)
        if connection.subprotocol is None or not has_key(authorization_of(offered), self._key):
            await connection.send(json.dumps(refused_connection()))
            await connection.close(UNAUTHORIZED)
            return
        await until_one_ends(
            self._read(connection, subscriber),
            _write(connection, subscriber),
            subscriber.is_behind.wait(),
        )
        if subscriber.is_behind.is_set():
            connection.transport.abort()  # the client would not read a close frame either

    async def _read(self, connection: ServerConnection, subscriber: Subscriber) -> None:
        """Answer the client's messages. The client has to subscribe in time."""
        async with asyncio.timeout(self._limits.init_seconds) as bound:
            async for text in connection:
                answer = subscriber.session.answer(text)
                if subscriber.session.is_ready and subscriber not in self._subscribers:
                    if not self._places.initialised(connection):
                        await connection.close(TRY_LATER, "too many connections")
                        return
                    bound.reschedule(None)
                    self._subscribers.add(subscriber)
                subscriber.put(json.dumps(answer))

    def _send(self, channel: tuple[str, ...], events: Sequence[str]) -> None:
        for subscriber in tuple(self._subscribers):
            for name in subscriber.session.receives(channel):
                for event in events:
                    message = {"type": "data", "id": name, "event": event}
                    subscriber.put(json.dumps(message))


async def until_one_ends(*works: Coroutine[Any, Any, object]) -> None:
    """Run coroutines until one of them ends, then cancel the others. Raises the error of the one
    that ended, if it failed."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # asyncio logs unretrieved errors


async def _write(connection: ServerConnection, subscriber: Subscriber) -> None:
    while True:
        await connection.send(await subscriber.next())


def _protocols(connection: ServerConnection) -> list[str]:
    request = connection.request
    lines = request.headers.get_all(_PROTOCOLS_HEADER) if request else []
    return [name.strip() for line in lines for name in line.split(",")]
