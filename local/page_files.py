"""The files of the page as they are sent, by `page_server.py` or from a deployment's bucket.

The modules lie in `frontend/` as they are written, and are sent without comments and indentation,
which are a third of what they weigh. Nothing is bundled or renamed: a module stays a module, and
its lines can be read in the browser's debugger. Type declarations are for the checker alone.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rjsmin

if TYPE_CHECKING:
    from chalicelib.settings import Settings

ROOT = Path(__file__).resolve().parents[1] / "frontend"
UNSENT = (".d.ts", ".gz")
"""Ends of names that are not files of the page: declarations, and what is sent for another file."""


def shared_settings(settings: Settings) -> dict[str, Any]:
    """What `/config.json` says besides the API's address: settings that page and API share."""
    return {"averages": [settings.sma_fast, settings.sma_slow]}


def is_sent(path: Path) -> bool:
    """Whether a file under the page's folder belongs to the page."""
    hidden = any(part.startswith(".") for part in path.parts[-3:])
    return path.is_file() and not hidden and not path.name.endswith(UNSENT)


def content(path: Path) -> bytes:
    """A file's bytes as they are sent. A vendored script keeps its digest (`vendor/SHA256SUMS`)
    and is sent as `tools/prepare_plotly.py` made it."""
    if path.suffix != ".js":
        return path.read_bytes()
    if path.parent.name == "vendor":
        kept = _kept(path)
        return gzip.decompress(kept.read_bytes()) if kept.is_file() else path.read_bytes()
    bare: str = rjsmin.jsmin(path.read_text())
    return f"{bare}\n".encode()


def gzipped(path: Path, body: bytes) -> bytes:
    """The body for `Content-Encoding: gzip`: as kept beside the file, else made now."""
    kept = _kept(path)
    return kept.read_bytes() if kept.is_file() else gzip.compress(body, 9, mtime=0)


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")
