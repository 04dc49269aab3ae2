"""The account that a bucket has to belong to.

A bucket's name says nothing about its owner: a name that was given up can be taken by anybody.
S3 refuses a request with 403 AccessDenied if its ExpectedBucketOwner is not the bucket's owner.
"""

from __future__ import annotations

from typing import Any

_MEMBER = "ExpectedBucketOwner"


def install(client: Any, account_id: str) -> None:
    """Have each request of an S3 client that names a bucket name the bucket's owner, too.

    Does nothing without an account. Presigned links stay as they are: the owner travels in a
    header, which a browser that follows a link does not send.
    """

    def expect_owner(params: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        has_owner = model.input_shape is not None and _MEMBER in model.input_shape.members
        if has_owner and not context.get("is_presign_request"):
            params.setdefault(_MEMBER, account_id)

    if account_id:
        client.meta.events.register("before-parameter-build.s3", expect_owner)
