"""One event API: its HTTP endpoint, its WebSocket endpoint and its key."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection

from embedded_aws.connection_limits import most_connections
from embedded_aws.emulator.admission import Admission
from embedded_aws.emulator.connections import Server
from embedded_aws.environment import Keys
from embedded_aws.event_api.handshake import PATH
from embedded_aws.event_api.limits import Limits, limits_of
from embedded_aws.event_api.publishing import Publishing
from embedded_aws.event_api.sockets import Sockets


class EventApi:
    """AppSync Events on two ports of 127.0.0.1, since AppSync has a host name for each endpoint.

    Requests to publish have to be signed with `keys`. Subscribers need `key`, which is random and
    new at each start; it does not allow publishing. Only pages of these `origins` may subscribe.
    """

    def __init__(
        self,
        keys: Keys,
        namespaces: Collection[str],
        origins: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self.key = f"da2-{secrets.token_hex(13)}"
        limits = limits or limits_of(most_connections())
        self._sockets = Sockets(self.key, namespaces, origins, limits)
        publishing = Publishing(Admission(keys), namespaces, self._sockets.send)
        self._http = Server("127.0.0.1", 0, publishing)

    def start(self) -> None:
        """Start both endpoints. Raises OSError if a port is taken."""
        self._sockets.start()
        threading.Thread(
            target=self._http.serve_forever, args=(0.1,), name="event api", daemon=True
        ).start()

    def stop(self) -> None:
        """Close all connections and release both ports."""
        self._http.shutdown()
        self._http.server_close()
        self._sockets.stop()

    @property
    def url(self) -> str:
        """Return the address to which events are published."""
        return f"http://127.0.0.1:{self._http.port}/event"

    @property
    def socket(self) -> str:
        """Return the WebSocket address for subscribers."""
        return f"ws://127.0.0.1:{self._sockets.port}{PATH}"

    @property
    def host(self) -> str:
        """Return the host of the HTTP endpoint, which a subscriber's authorization names."""
        return f"127.0.0.1:{self._http.port}"

    def subscribed(self) -> int:
        """Return the number of subscribers."""
        return self._sockets.subscribed()
