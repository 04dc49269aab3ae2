"""The vendored bundle is the reviewed one, and the page loads its parts from its own folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from rigs.stand_in import FRONTEND


def test_vendored_bundle_has_its_recorded_digest_and_licence() -> None:
    digest, name = (FRONTEND / "vendor/SHA256SUMS").read_text().split()
    assert hashlib.sha256((FRONTEND / "vendor" / name).read_bytes()).hexdigest() == digest
    assert "MIT License" in (FRONTEND / "vendor/plotly-candles.LICENSE.txt").read_text()
    assert "v4.1.0" in (FRONTEND / "vendor" / name).read_text()[:200]


def test_page_names_no_other_host_and_no_inline_script() -> None:
    html = (FRONTEND / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r'\s(?:style|on\w+)="', html) == []
    assert "unsafe-inline" not in html


def test_first_party_modules_stay_small() -> None:
    lengths = {path.name: path.read_text().count("\n") for path in (FRONTEND / "js").rglob("*.js")}
    assert {name: n for name, n in lengths.items() if n > 300} == {}


def _static_imports(path: Path, found: set[Path]) -> set[Path]:
    """The module and everything that it imports at once."""
    if path not in found:
        found.add(path)
        for name in re.findall(r'^import[^;]*?from "(\.[^"]+)"', path.read_text(), re.MULTILINE):
            _static_imports((path.parent / name).resolve(), found)
    return found


def test_page_preloads_exactly_the_modules_of_the_first_view() -> None:
    needed = _static_imports((FRONTEND / "js/main.js").resolve(), set())
    html = (FRONTEND / "index.html").read_text()
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)">', html)
    assert {(FRONTEND / name).resolve() for name in named} == needed
