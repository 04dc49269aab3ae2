"""Serves the page on this machine: the files of `frontend/` and `/config.json`."""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from embedded_aws.entity_tags import marked, unmarked
from embedded_aws.http_server import Handler
from infra.page_files import ROOT, content, gzipped, is_sent, type_of
from infra.page_worker import DOCUMENT, NAME, SETTINGS, shell, worker
from local.page_origin import RETIRING_WORKER, is_worker_script, moved, moved_address, unmoved

COMPRESSED = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


def content_security_policy(api: str, push: str = "") -> str:
    """Return the page's policy: it may load its own files and the answers of `api`, and open the
    socket at `push`.

    Locally, browser automation may evaluate expressions in the page ('unsafe-eval'). The page
    itself evaluates none, and a deployment's policy forbids it.
    """
    return (
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self'; "
        "img-src 'self' data: blob:; "
        f"connect-src 'self' {api}{_origin(push)}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; manifest-src 'self'"
    )


def _origin(push: str) -> str:
    """Return a space and the origin of the socket's address; empty if there is no address."""
    return f" {'/'.join(push.split('/')[:3])}" if push else ""


class Asset(msgspec.Struct, frozen=True):
    """A body with its type and entity tag, and its gzipped form if that is smaller."""

    body: bytes
    content_type: str
    etag: str
    gzipped: bytes | None = None


def asset(body: bytes, content_type: str, zipped: bytes | None = None) -> Asset:
    """Return an asset. If `zipped` is missing, text is compressed here."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    compresses = content_type.startswith(COMPRESSED) and len(body) > 512
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    if compresses and zipped is None:
        zipped = gzip.compress(body, 9, mtime=0)
    return Asset(body, content_type, etag, zipped if compresses else None)


class Files:
    """The files in a folder, read again when they change. The page's scripts and styles have
    addresses below `start`."""

    def __init__(self, root: Path, start: str) -> None:
        self._root = root.resolve()
        self._start = start
        self._kept: dict[Path, tuple[int, Asset]] = {}
        self._worker: tuple[frozenset[tuple[Path, int]], str, Asset | None] | None = None

    def worker(self, settings: Asset) -> Asset | None:
        """Return the page's service worker for the current files; None if its source is missing.
        The worker is cached until a file changes, since building it reads all files."""
        files = frozenset((path, path.stat().st_mtime_ns) for path in self._root.rglob("*"))
        if self._worker is None or self._worker[:2] != (files, settings.etag):
            self._worker = files, settings.etag, self._made_worker(settings)
        return self._worker[2]

    def _made_worker(self, settings: Asset) -> Asset | None:
        source = self.find(f"/{NAME}")
        if source is None:
            return None
        found = {path: self.find(f"/{path}") for path in (DOCUMENT, *shell())}
        tags = {moved_address(path, self._start): each.etag for path, each in found.items() if each}
        body = worker(source.body, {**tags, SETTINGS: settings.etag})
        return asset(body, "text/javascript")

    def find(self, path: str) -> Asset | None:
        """Return the file at a URL's path, `index.html` for a folder; None if it is missing."""
        try:
            return self._find(unquote(path))
        except (OSError, ValueError):  # not a valid file name: too long, or with a NUL
            return None

    def _find(self, path: str) -> Asset | None:
        named = (self._root / path.lstrip("/")).resolve()
        if not named.is_relative_to(self._root):
            return None
        if path.endswith("/"):
            named /= "index.html"
        if not is_sent(named):
            return None
        changed = named.stat().st_mtime_ns
        kept = self._kept.get(named)
        if kept is None or kept[0] != changed:
            kept = self._kept[named] = (changed, self._made(named))
        return kept[1]

    def _made(self, named: Path) -> Asset:
        body, kind = content(named), type_of(named.name)
        if kind == "text/html":
            return asset(moved(body, self._start), kind)
        return asset(body, kind, gzipped(named, body))


_RETIRING = asset(RETIRING_WORKER, "text/javascript")


def handler(api: str, config: Mapping[str, Any], root: Path = ROOT) -> type[Handler]:
    """Return a handler that serves the page of the API at the address `api`."""
    start = secrets.token_hex(8)
    members = {
        "files": Files(root, start),
        "policy": content_security_policy(api, config.get("push", "")),
        "settings": asset(json.dumps({"api": api, **config}).encode(), "application/json"),
        "start": start,
    }
    return type("PageHandler", (_Handler,), members)


class _Handler(Handler):
    files: Files
    policy: str
    settings: Asset
    start: str

    def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
        """Answer with a file, or with 404."""
        self.skip_body()
        host, _, port = self.headers.get("Host", "").partition(":")
        if host == "localhost":  # the API accepts one origin
            self._redirect(f"http://127.0.0.1:{port or 80}{self.path}")
            return
        path = unmoved(self.path.partition("?")[0], self.start)
        found = self._found(path)
        if is_worker_script(self.headers) and path != f"/{NAME}":
            self._send(200, _RETIRING, _RETIRING.body, {})
        elif found is None:
            missing = asset(b"Not found\n", "text/plain")
            self._send(404, missing, missing.body, {})
        elif unmarked(self.headers.get("If-None-Match"), self.start) == found.etag:
            self._send(304, found, b"", {})
        elif found.gzipped and "gzip" in self.headers.get("Accept-Encoding", ""):
            self._send(200, found, found.gzipped, {"Content-Encoding": "gzip"})
        else:
            self._send(200, found, found.body, {})

    do_HEAD = do_GET  # noqa: N815  # the base class's name

    def _found(self, path: str) -> Asset | None:
        if path == f"/{NAME}":
            return self.files.worker(self.settings)
        return self.settings if path == f"/{SETTINGS}" else self.files.find(path)

    def _redirect(self, address: str) -> None:
        self.send_response(307)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, found: Asset, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Vary", "Accept-Encoding")
        if status != 404:
            self.send_header("ETag", marked(found.etag, self.start))
            self.send_header("Cache-Control", "no-cache")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
