"""What a deployment uploads of the page, and with which headers."""

from __future__ import annotations

import json
from typing import Any

from infra.deploy import page
from infra.deploy.page import KEPT_SECONDS, files
from tests.api_support import SETTINGS


class Bucket:
    """S3 as far as uploads go."""

    def __init__(self) -> None:
        self.put: dict[str, dict[str, Any]] = {}

    def put_object(self, *, Key: str, **given: Any) -> None:  # noqa: N803 - S3's names
        """Keep the headers."""
        self.put[Key] = given


def uploaded(key: str) -> tuple[str, str]:
    bucket = Bucket()
    page._put(bucket, "page", key, b"")
    return bucket.put[key]["ContentType"], bucket.put[key]["CacheControl"]


def shell_of(worker: bytes) -> Any:
    line = worker.partition(b"\n")[0].decode()
    text = line.removeprefix("const SHELL = ").removesuffix(";")
    return json.loads(text.replace("version:", '"version":').replace("files:", '"files":'))


def test_worker_and_manifest_are_revalidated_and_have_their_types() -> None:
    assert uploaded("sw.js") == ("text/javascript", "no-cache")
    assert uploaded("manifest.webmanifest") == ("application/manifest+json", "no-cache")
    assert uploaded("icons/192.png") == ("image/png", "no-cache")
    assert uploaded("vendor/a.js")[1] == f"public, max-age={KEPT_SECONDS}"


def test_the_worker_keeps_files_that_are_there_and_all_that_a_page_loads() -> None:
    found = files("https://api", "dev", SETTINGS)
    kept = shell_of(found["sw.js"])["files"]
    assert {"./", "config.json", "manifest.webmanifest"} <= set(kept)
    assert {name.removeprefix("./") or "index.html" for name in kept} <= found.keys()
    scripts = {name for name in found if name.endswith(".js")} - {"sw.js"}
    assert {name for name in kept if name.endswith(".js")} == scripts
    assert "js/views/phone.js" in scripts
    assert "sw.js" not in kept


def test_the_worker_has_another_version_when_a_file_or_a_setting_changes() -> None:
    first = files("https://api", "dev", SETTINGS)["sw.js"]
    assert files("https://api", "dev", SETTINGS)["sw.js"] == first
    assert shell_of(files("https://b", "dev", SETTINGS)["sw.js"]) != shell_of(first)
