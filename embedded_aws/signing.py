"""Signs our own requests that no AWS client sends, with AWS Signature Version 4."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from embedded_aws.environment import REGION, Keys


def signed(
    keys: Keys,
    service: str,
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the request's headers with a signature, which is valid for 15 minutes."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(keys.access_key, keys.secret_key), service, REGION).add_auth(request)
    return dict(request.headers.items())
