"""Encodes S3's objects as msgpack, to store them in SQLite: all versions, the newest last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

Grants = list[tuple[list[tuple[str, str, str]], list[str]]]


class StoredVersion(msgspec.Struct, array_like=True):
    """A version of an object, or a delete marker. Times are naive UTC.

    `attributes` are those attributes of moto's object that ATTRIBUTES names and that are not None.
    `grants` are its access list: for each grant the grantee (id, address, name) and permissions.
    """

    is_marker: bool
    modified: datetime
    version_id: str | None
    etag: str = ""
    body: bytes = b""
    metadata: dict[str, str] = {}
    attributes: dict[str, Any] = {}
    grants: Grants | None = None
    expires: datetime | None = None


ATTRIBUTES = (
    "account_id",
    "region_name",
    "website_redirect_location",
    "checksum_algorithm",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "encryption",
    "kms_key_id",
    "bucket_key_enabled",
    "lock_legal_status",
    "lock_mode",
    "lock_until",
    "_is_versioned",
    "_storage_class",
)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[StoredVersion]).decode
"""Decodes an object's versions. Raises msgspec.DecodeError or ValidationError for other bytes."""


def written(versions: list[StoredVersion]) -> float:
    """Return when an object's newest version was written, in epoch seconds."""
    return versions[-1].modified.replace(tzinfo=UTC).timestamp()


def stored(version: Any) -> StoredVersion:
    """Convert an object or delete marker of moto to its stored form."""
    if not hasattr(version, "contentsize"):
        return StoredVersion(True, version.last_modified, version.version_id)
    found = {name: getattr(version, name) for name in ATTRIBUTES}
    return StoredVersion(
        False,
        version.last_modified,
        version._version_id,
        version.etag.strip('"'),
        version.value,
        dict(version._metadata),
        {name: value for name, value in found.items() if value is not None},
        _grants(version.acl),
        version._expiry,
    )


def _grants(acl: Any) -> Grants | None:
    if acl is None:
        return None
    return [
        ([(one.id, one.uri, one.display_name) for one in grant.grantees], list(grant.permissions))
        for grant in acl.grants
    ]


def restored(bucket: str, name: str, version: StoredVersion) -> Any:
    """Convert a stored version to an object of moto. A multipart upload becomes one body."""
    from moto.s3.models import FakeDeleteMarker, FakeKey
    from moto.utilities.utils import LowercaseDict

    attributes = version.attributes
    key = FakeKey(
        name,
        version.body,
        attributes.get("account_id", ""),
        attributes.get("region_name", "us-east-1"),
        etag=version.etag,
        version_id=version.version_id,
        bucket_name=bucket,
    )
    key.last_modified, key._expiry = version.modified, version.expires
    if version.is_marker:
        marker = FakeDeleteMarker(key)
        marker.last_modified, marker._version_id = version.modified, version.version_id
        return marker
    for attribute in ATTRIBUTES:
        if attribute in attributes:
            setattr(key, attribute, attributes[attribute])
    key._metadata = LowercaseDict()
    key._metadata.update(version.metadata)
    key.acl = _acl(version.grants)
    return key


def _acl(grants: Grants | None) -> Any:
    from moto.s3.models import FakeAcl, FakeGrant, FakeGrantee

    if grants is None:
        return None
    return FakeAcl(
        [FakeGrant([FakeGrantee(*one) for one in who], permissions) for who, permissions in grants]
    )
