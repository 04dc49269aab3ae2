"""Makes clients for the sinks on AWS, and decides which errors are temporary."""

from __future__ import annotations

from typing import Any

from producer import region
from producer.errors import SinkRefused, SinkUnavailable, UsageError
from producer.reasons import reason

_STAYING = {
    "ResourceNotFoundException": "there is none of that name",
    "AWS.SimpleQueueService.NonExistentQueue": "there is none of that name",
    "QueueDoesNotExist": "there is none of that name",
    "AccessDenied": "the credentials do not allow it",
    "AccessDeniedException": "the credentials do not allow it",
    "InvalidClientTokenId": "the credentials are not valid",
    "UnrecognizedClientException": "the credentials are not valid",
    "InvalidSignatureException": "the credentials are not valid",
}


def client(service: str, attempts: int = 1) -> Any:
    """Make a boto3 client. By default the client never retries, since the sender retries in order.
    Raises UsageError if region or credentials are missing."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=3,
        read_timeout=10,
        tcp_keepalive=True,
    )
    region.require()
    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            raise UsageError("no AWS credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE")
        return session.client(service, config=config)
    except BotoCoreError as error:
        raise UsageError(f"AWS settings: {error}") from error


def why(error: Exception) -> str:
    """Describe a boto3 error in a few words: AWS's code and text, or why there was no answer."""
    response = getattr(error, "response", None) or {}  # None if the connection broke
    told = response.get("Error", {})
    if told.get("Code"):
        return f"{told['Code']}: {told.get('Message', '')}".rstrip(": ")
    return reason(error)


def failure(target: str, error: Exception) -> SinkUnavailable | SinkRefused:
    """Return the error to raise for a boto3 error; its message begins with `target`. The error is
    SinkRefused if the cause is lasting (no such stream, no permission), else SinkUnavailable."""
    response = getattr(error, "response", None) or {}
    code = response.get("Error", {}).get("Code", "")
    if code in _STAYING:
        return SinkRefused(f"{target}: {_STAYING[code]} ({code})")
    return SinkUnavailable(f"{target}: {code or reason(error)}")
