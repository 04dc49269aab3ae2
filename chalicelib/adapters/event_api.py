"""Publishes to AppSync Events over HTTP, with requests signed by the function's credentials.

https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.services.push.push import PublishError

CONNECT_SECONDS, READ_SECONDS = 1.0, 3.0
"""Time-outs. They are short, since the next batch has a newer price."""

MOST_CONNECTIONS = 8

_SHOWN_BYTES = 300


class EventApi:
    """Publishes through AppSync Events. `url` is the HTTP endpoint, which ends with `/event`."""

    def __init__(self, url: str) -> None:
        from botocore.httpsession import URLLib3Session
        from botocore.session import get_session

        self._url = url
        self._session = get_session()
        self._region = self._session.get_config_variable("region")
        self._http = URLLib3Session(
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            max_pool_connections=MOST_CONNECTIONS,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # saves 40 ms a request
        )

    def publish(self, channel: str, events: Sequence[str]) -> None:
        """See Publish."""
        from botocore.exceptions import BotoCoreError, HTTPClientError

        body = msgspec.json.encode({"channel": channel, "events": list(events)})
        try:
            answer = self._http.send(self._signed(body).prepare())
        except (BotoCoreError, HTTPClientError) as error:
            raise PublishError(f"no answer: {error}") from error
        if answer.status_code != 200:
            text = answer.content[:_SHOWN_BYTES].decode(errors="replace")
            raise PublishError(f"HTTP {answer.status_code}: {text}")
        failed = _failed(answer.content)
        if failed:
            raise PublishError(f"{len(failed)} of {len(events)} events failed: {failed[0]}")

    def _signed(self, body: bytes) -> Any:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        headers = {"Content-Type": "application/json"}
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers)
        SigV4Auth(self._session.get_credentials(), "appsync", self._region).add_auth(request)
        return request


def _failed(body: bytes) -> list[Any]:
    try:
        answer = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise PublishError(f"an answer that is not JSON: {error}") from error
    failed = answer.get("failed") if isinstance(answer, dict) else None
    return failed if isinstance(failed, list) else []
