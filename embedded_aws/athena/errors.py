"""Errors that the emulated Athena returns to a client."""

from __future__ import annotations


class AthenaError(Exception):
    """An error that a client gets with status 400. `code` is its name in Athena's API."""

    code = "InvalidRequestException"


class InvalidRequestError(AthenaError):
    """A part of the request is missing, malformed or unknown."""


class TooManyRequestsError(AthenaError):
    """More queries are queued and running than Athena allows at once."""

    code = "TooManyRequestsException"
