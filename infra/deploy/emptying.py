"""Prepares `terraform destroy`: empties the buckets and removes the tables' protection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage


def empty(stage: Stage, buckets: Iterable[str]) -> None:
    """Delete all versions of all objects in the buckets that exist. Raises DeployError."""
    there = {bucket["Name"] for bucket in stage.client("s3").list_buckets()["Buckets"]}
    for bucket in there.intersection(buckets):
        for batch in _batches(stage.client("s3"), bucket):
            answer = stage.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": batch})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise DeployError(f"{bucket}: cannot delete {first['Key']}: {first['Message']}")


def release(stage: Stage) -> None:
    """Remove the protection against deletion from the stage's tables."""
    dynamodb = stage.client("dynamodb")
    for name, table in stage.environment.items():
        if name.endswith("_TABLE") and _is_protected(dynamodb, table):
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)


def _is_protected(dynamodb: Any, table: str) -> bool:
    try:
        found = dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return bool(found.get("DeletionProtectionEnabled"))


def _batches(s3: Any, bucket: str) -> Iterable[list[dict[str, str]]]:
    """Yield the bucket's versions and delete markers in batches of at most a thousand."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        listed = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if listed:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
