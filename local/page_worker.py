"""The page's service worker as sent: its source after the list of files that it keeps.

The list has what an opened page loads by itself: the document, its styles, icons and modules, and
`/config.json`, whose settings hold no price. Dialogs that load on demand need the API and are left
out. The version changes with each of the files, so a browser installs the worker again when any of
them does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from local.page_files import ROOT, loaded_by_itself

NAME = "sw.js"
DOCUMENT = ""
"""The address of `index.html`, relative to the page's folder."""

SETTINGS = "config.json"
_KEPT_SUFFIXES = (".css", ".svg", ".webmanifest", ".png")


def shell() -> list[str]:
    """Return the paths of the files that the worker keeps, relative to the page's folder, without
    the document and its settings."""
    scripts = {path.relative_to(ROOT).as_posix() for path in loaded_by_itself()}
    others = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.suffix in _KEPT_SUFFIXES
    }
    return sorted(scripts | others)


def worker(source: bytes, tags: Mapping[str, str]) -> bytes:
    """Return the worker that keeps the files of `tags`: their addresses, relative to the worker's,
    with a digest or entity tag of each."""
    files = json.dumps([path or "./" for path in sorted(tags)])
    version = hashlib.sha256(json.dumps(sorted(tags.items())).encode()).hexdigest()[:16]
    return f'const SHELL = {{ version: "{version}", files: {files} }};\n'.encode() + source
