"""SMTP for channels: connects to checked addresses and notes refusals. apprise's mail plugin uses
this module as its `smtplib`."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

from chalicelib.adapters import outbound
from chalicelib.domain.deliveries import Lasting, Passing

MOST_REPLY_BYTES = 65_536
"""The most bytes read of a mail server's replies on one connection."""


def __getattr__(name: str) -> Any:
    return getattr(smtplib, name)


def _replied(server: smtplib.SMTP, getreply: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """Return a server's reply. If it is a refusal, or none comes, set the attempt's `failure`.

    smtplib keeps each line of a reply, so at most MOST_REPLY_BYTES are read.
    """
    if server.file is None and server.sock is not None:
        server.file = outbound.BoundedLines(server.sock.makefile("rb"), MOST_REPLY_BYTES)
    try:
        code, text = getreply()
    except smtplib.SMTPServerDisconnected:
        outbound.current().failure = Passing("the mail server ended the connection")
        raise
    if code >= 400 or code < 0:
        kind = Lasting if code >= 500 else Passing
        outbound.current().failure = kind(f"the mail server answered {code}")
    return code, text


class SMTP(smtplib.SMTP):
    """A connection without TLS, which STARTTLS may secure."""

    def _get_socket(self, host: str, port: int, _timeout: float) -> Any:
        return outbound.current().connect(host, port)

    def getreply(self) -> tuple[int, bytes]:
        """See smtplib.SMTP.getreply. Sets the attempt's `failure` if the server refuses."""
        return _replied(self, super().getreply)


class SMTP_SSL(smtplib.SMTP_SSL):  # noqa: N801 - smtplib's name
    """A connection that uses TLS from the first byte."""

    _host: str

    def _get_socket(self, host: str, port: int, _timeout: float) -> Any:
        made = outbound.current().connect(host, port)
        return self.context.wrap_socket(made, server_hostname=self._host)

    def getreply(self) -> tuple[int, bytes]:
        """See smtplib.SMTP.getreply. Sets the attempt's `failure` if the server refuses."""
        return _replied(self, super().getreply)
