"""The page's files in the form that the local system and a deployment send.

Modules of `frontend/` are sent without comments, indentation, trailing commas and most line ends,
which saves 40% of their bytes. Nothing is bundled or renamed, so a module stays readable in the
browser's debugger. Type declarations are not sent.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rjsmin

if TYPE_CHECKING:
    from chalicelib.settings import Settings

ROOT = Path(__file__).resolve().parents[1] / "frontend"
VENDOR = ROOT / "vendor"
UNSENT = (".d.ts", ".gz")
"""Suffixes of files that are not sent: type declarations, and compressed copies."""

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_SPARE = re.compile(r"[,;]\n?(?=})|,\n?(?=[)\]])|(?<=[;{},(\[>=&|?:+])\n|\n(?=[)\]}.?:&|])")
"""Trailing commas and semicolons, and the line ends that rjsmin leaves beside punctuation. A test
compares the syntax trees of every module before and after."""

_SCRIPT = re.compile(r'(?:src|href)="([^"]+\.js)"')
_IMPORT = re.compile(r'(?:from|import)\s*"(\.[^"]+)"')


def shared_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings of `/config.json` that the page and the API share. `push` is the socket's
    address, if prices are pushed."""
    push = {"push": settings.push_socket} if settings.push_socket else {}
    return {"averages": [settings.sma_fast, settings.sma_slow], **push}


def is_sent(path: Path) -> bool:
    """Return whether a file in the page's folder is part of the page."""
    hidden = any(part.startswith(".") for part in path.parts[-3:])
    return path.is_file() and not hidden and not path.name.endswith(UNSENT)


def type_of(name: str) -> str:
    """Return a file's Content-Type, without a charset."""
    known = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    return known or "application/octet-stream"


def loaded_by_itself() -> set[Path]:
    """Return the scripts that the page loads before the user does anything: the scripts in
    `index.html`, `later.js`, which is loaded after the first chart, and their imports."""
    named = _SCRIPT.findall((ROOT / "index.html").read_text())
    left = [ROOT / "js" / "later.js", *(ROOT / name for name in named)]
    found: set[Path] = set()
    while left:
        path = left.pop().resolve()
        if path not in found:
            found.add(path)
            imported = _IMPORT.findall(content(path).decode()) if path.parent != VENDOR else ()
            left += [path.parent / name for name in imported]
    return found


def content(path: Path) -> bytes:
    """Return a file's bytes as they are sent. Minified scripts of others are sent unchanged, since
    `vendor/SHA256SUMS` has their digests."""
    if path.suffix != ".js":
        return path.read_bytes()
    if path.parent.name == "vendor" or path.name.endswith(".min.js"):
        kept = _compressed_copy(path)
        return gzip.decompress(kept.read_bytes()) if kept.is_file() else path.read_bytes()
    bare: str = rjsmin.jsmin(path.read_text())
    return f"{_SPARE.sub('', bare)}\n".encode()


def gzipped(path: Path, body: bytes) -> bytes:
    """Return the body for `Content-Encoding: gzip`: a file's compressed copy if it has one, else
    the compressed `body`."""
    kept = _compressed_copy(path)
    return kept.read_bytes() if kept.is_file() else gzip.compress(body, 9, mtime=0)


def _compressed_copy(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")
