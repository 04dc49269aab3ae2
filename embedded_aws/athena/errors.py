"""What Athena's API answers instead of a result."""

from __future__ import annotations


class AthenaError(Exception):
    """An answer with status 400; `code` is the exception's name in the API."""

    code = "InvalidRequestException"


class InvalidRequestError(AthenaError):
    """Something in the request is missing, malformed or unknown."""


class TooManyRequestsError(AthenaError):
    """More queries than may wait and run at once."""

    code = "TooManyRequestsException"
