"""The page's files as they are sent: lighter than they are written, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

from infra.deploy import page
from local.page_files import ROOT, content, gzipped, is_sent

MODULES = sorted((ROOT / "js").rglob("*.js"))
BUNDLE = ROOT / "vendor" / "plotly-finance.min.js"


def test_all_javascript_that_is_sent_weighs_less_than_460_kb() -> None:
    sent = [path for path in ROOT.rglob("*.js") if is_sent(path)]
    assert BUNDLE in sent
    assert len(sent) > 30
    assert sum(len(gzipped(path, content(path))) for path in sent) < 460_000


def test_kept_gzip_form_is_the_bundle() -> None:
    kept = gzipped(BUNDLE, content(BUNDLE))
    assert kept == BUNDLE.with_name(f"{BUNDLE.name}.gz").read_bytes()
    assert gzip.decompress(kept) == BUNDLE.read_bytes() == content(BUNDLE)


def test_modules_lose_their_comments() -> None:
    notes = [path for path in MODULES if "/**" in path.read_text()]
    assert len(notes) > 20
    assert [path.name for path in notes if "/**" in content(path).decode()] == []


def test_strings_templates_and_patterns_stay_as_they_are(tmp_path: Path) -> None:
    module = tmp_path / "a.js"
    module.write_text(
        "// a note\n"
        'const url = "http://a//b"; /* gone */\n'
        "const text = `  // kept  ${url}  /* kept */`;\n"
        "export const cut = (s) => s.replace(/\\/+$/, '');\n"
    )
    sent = content(module).decode()
    assert '"http://a//b"' in sent
    assert "`  // kept  ${url}  /* kept */`" in sent
    assert "/\\/+$/" in sent
    assert "note" not in sent
    assert "gone" not in sent


def test_declarations_and_gzip_forms_are_no_files_of_the_page() -> None:
    uploaded = page.files("https://api", "dev")
    assert {"index.html", "config.json", "js/main.js", "vendor/plotly-finance.min.js"} <= set(
        uploaded
    )
    assert [key for key in uploaded if key.endswith((".d.ts", ".gz"))] == []
    assert uploaded["js/main.js"] == content(ROOT / "js" / "main.js")
