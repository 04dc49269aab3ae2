"""The AWS region.

Most AWS tools read it from AWS_REGION; boto3 reads only AWS_DEFAULT_REGION. Each entry point calls
`adopt` first, so that both names work there and in every process that it starts.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from producer.errors import UsageError

MISSING = "no AWS region; set AWS_REGION or AWS_DEFAULT_REGION"


def adopt(environ: MutableMapping[str, str]) -> None:
    """Set AWS_REGION and AWS_DEFAULT_REGION to the same value; AWS_REGION wins, as in the AWS CLI.
    If neither is set, do nothing."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region:
        environ["AWS_REGION"] = environ["AWS_DEFAULT_REGION"] = region


def require() -> str:
    """Return the region of the environment or the AWS profile. Raises UsageError without a
    region."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        region = boto3.Session().region_name
    except BotoCoreError as error:
        raise UsageError(f"AWS settings: {error}") from error
    if not region:
        raise UsageError(MISSING)
    return str(region)
