"""Uploads the page into its bucket: the files of `frontend/`, and `/config.json`."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from chalicelib.settings import Settings, load
from infra.deploy.project import PAGE
from infra.deploy.stage import Page, Stage
from infra.page_files import content, is_sent, shared_settings, type_of
from infra.page_worker import DOCUMENT, NAME, SETTINGS, shell, worker

KEPT_SECONDS = 86_400
"""The seconds for which browsers cache vendored files. They revalidate all other files."""


def files(api_url: str, stage: str, settings: Settings) -> dict[str, bytes]:
    """Return all files that the page's bucket should contain, by key."""
    found = {
        path.relative_to(PAGE).as_posix(): content(path)
        for path in sorted(PAGE.rglob("*"))
        if is_sent(path)
    }
    config = {"api": api_url, "stage": stage, **shared_settings(settings)}
    found[SETTINGS] = json.dumps(config).encode()
    kept = {DOCUMENT: "index.html", **{path: path for path in (SETTINGS, *shell())}}
    tags = {address: hashlib.sha256(found[key]).hexdigest() for address, key in kept.items()}
    return {**found, NAME: worker(found[NAME], tags)}


def upload(stage: Stage, page: Page) -> list[str]:
    """Upload changed files, delete removed files, and invalidate them in CloudFront.

    Returns the changed keys.
    """
    s3 = stage.client("s3")
    wanted = files(stage.api_url, stage.stage, load(stage.environment))
    stored = _stored(s3, page.bucket)
    changed = [key for key, body in wanted.items() if stored.get(key) != _etag(body)]
    # The worker comes last: a browser that finds a new one loads the files that it lists.
    for key in sorted(changed, key=lambda key: key == NAME):
        _put(s3, page.bucket, key, wanted[key])
    gone = sorted(stored.keys() - wanted.keys())
    for key in gone:
        s3.delete_object(Bucket=page.bucket, Key=key)
    if changed or gone:
        _invalidate(stage, page)
    return changed + gone


def _etag(body: bytes) -> str:
    """Return the ETag of an object that was uploaded to S3 in one part with S3's own encryption."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _stored(s3: Any, bucket: str) -> dict[str, str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])
    }


def _put(s3: Any, bucket: str, key: str, body: bytes) -> None:
    kept = f"public, max-age={KEPT_SECONDS}" if key.startswith("vendor/") else "no-cache"
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=type_of(key), CacheControl=kept)


def _invalidate(stage: Stage, page: Page) -> None:
    stage.client("cloudfront").create_invalidation(
        DistributionId=page.distribution,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            "CallerReference": str(time.time_ns()),
        },
    )
