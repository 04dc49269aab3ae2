"""SMTP connections of channels: checked as HTTP ones are, and their refusals noted."""

from __future__ import annotations

import smtplib
from typing import Any

from chalicelib.adapters import outbound
from chalicelib.domain.deliveries import Lasting, Passing


def _noted(reply: tuple[int, bytes]) -> tuple[int, bytes]:
    """A server's reply, after it has become the attempt's failure where it is one."""
    code = reply[0]
    if code >= 400 or code < 0:
        kind = Lasting if code >= 500 else Passing
        outbound.current().failure = kind(f"the mail server answered {code}")
    return reply


class SMTP(smtplib.SMTP):
    """A plain connection, or one that STARTTLS makes a secure one."""

    def _get_socket(self, host: str, port: int, _timeout: float) -> Any:
        return outbound.current().connect(host, port)

    def getreply(self) -> tuple[int, bytes]:
        """See smtplib.SMTP."""
        return _noted(super().getreply())


class SecureSMTP(smtplib.SMTP_SSL):
    """A connection with TLS from its first byte on."""

    _host: str

    def _get_socket(self, host: str, port: int, _timeout: float) -> Any:
        made = outbound.current().connect(host, port)
        return self.context.wrap_socket(made, server_hostname=self._host)

    def getreply(self) -> tuple[int, bytes]:
        """See smtplib.SMTP."""
        return _noted(super().getreply())
