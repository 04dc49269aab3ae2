"""Makes S3 refuse requests to buckets of other accounts.

A bucket's name says nothing about its owner: anyone can take a released name. If a request's
ExpectedBucketOwner is not the bucket's owner, S3 answers 403 AccessDenied.
"""

from __future__ import annotations

from typing import Any

_MEMBER = "ExpectedBucketOwner"


def install(client: Any, account_id: str) -> None:
    """Add the expected owner to each request of an S3 client that names a bucket.

    Does nothing if `account_id` is empty. Presigned links do not change: the owner is named in a
    header, which a browser that follows a link does not send.
    """

    def expect_owner(params: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        has_owner = model.input_shape is not None and _MEMBER in model.input_shape.members
        if has_owner and not context.get("is_presign_request"):
            params.setdefault(_MEMBER, account_id)

    if account_id:
        client.meta.events.register("before-parameter-build.s3", expect_owner)
