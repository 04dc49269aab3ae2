"""Errors that Athena's API returns."""

from __future__ import annotations


class AthenaError(Exception):
    """An answer with status 400; `code` is the exception's name in the API."""

    code = "InvalidRequestException"


class InvalidRequestError(AthenaError):
    """A part of the request is missing, malformed or unknown."""


class TooManyRequestsError(AthenaError):
    """More queries are queued and running than are allowed at once."""

    code = "TooManyRequestsException"
