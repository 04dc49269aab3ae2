"""Builds the page's service worker: a list of the files that it caches, then its source.

The list has the document, all styles, icons and scripts, and `/config.json`, which holds no price.
The worker's version changes when a file changes, so that browsers install the worker again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from infra.page_files import ROOT, is_sent

NAME = "sw.js"
DOCUMENT = ""
"""The address of `index.html`, relative to the page's folder."""

SETTINGS = "config.json"
_KEPT_SUFFIXES = (".js", ".css", ".svg", ".webmanifest", ".png")


def shell() -> list[str]:
    """Return the paths of the cached files, relative to the page's folder. The document and its
    settings are left out."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.suffix in _KEPT_SUFFIXES and is_sent(path) and path.name != NAME
    )


def worker(source: bytes, tags: Mapping[str, str]) -> bytes:
    """Return the worker's script. `tags` has a digest or entity tag by the address of each file."""
    files = json.dumps([path or "./" for path in sorted(tags)])
    version = hashlib.sha256(json.dumps(sorted(tags.items())).encode()).hexdigest()[:16]
    return f'const SHELL = {{ version: "{version}", files: {files} }};\n'.encode() + source
