"""The page's files as they are sent: lighter than they are written, and nothing else."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path

from infra.deploy import page
from infra.page_files import ROOT, content, gzipped, is_sent, loaded_by_itself
from tests.api_support import SETTINGS
from tools.prepare_plotly import in_parentheses, is_expression

MODULES = sorted((ROOT / "js").rglob("*.js"))
BENCHED = Path(__file__).parents[3] / "bench" / "page_files"
BUNDLE = ROOT / "vendor" / "plotly-candles.min.js"


def test_javascript_that_a_page_loads_by_itself_weighs_less_than_480_kb() -> None:
    loaded = loaded_by_itself()
    assert BUNDLE in loaded
    assert len(loaded) > 30
    assert weight(loaded) < 480_000


def test_all_javascript_weighs_less_than_530_kb() -> None:
    """Dialogs and views are loaded when they are first asked for."""
    everything = {path for path in ROOT.rglob("*.js") if is_sent(path)}
    on_demand = everything - loaded_by_itself()
    assert {"channels.js", "rule_editor.js", "compare.js", "formula_field.js", "tried.js"} <= {
        path.name for path in on_demand
    }
    assert weight(everything) < 530_000


def weight(paths: Iterable[Path]) -> int:
    """The bytes of these files as they are sent."""
    return sum(len(gzipped(path, content(path))) for path in paths)


def test_no_line_of_the_page_is_longer_than_100_columns() -> None:
    written = [*MODULES, *sorted((ROOT / "css").rglob("*.css"))]
    long = [
        (path.name, number)
        for path in written
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 100
    ]
    assert long == []


def test_kept_gzip_form_is_what_is_sent() -> None:
    kept = gzipped(BUNDLE, content(BUNDLE))
    assert kept == BUNDLE.with_name(f"{BUNDLE.name}.gz").read_bytes()
    assert gzip.decompress(kept) == content(BUNDLE)


def test_bundle_is_sent_as_it_came_but_for_parentheses_around_functions() -> None:
    def without(text: str) -> str:
        return text.replace("(", "").replace(")", "")

    came, sent = BUNDLE.read_text(), content(BUNDLE).decode()
    assert without(sent) == without(came)
    assert sent.count("(") - came.count("(") == sent.count(")") - came.count(")") > 300


def test_functions_that_may_be_in_parentheses_are_distinguished() -> None:
    source = "var a=function(){},b=(x,y=f())=>{},g=() => 2;function c(){}({d(){},e:async z=>1})"

    def told(text: str) -> bool:
        return is_expression(source, (source.index(text), source.index(text) + len(text)))

    for text in ("function(){}", "(x,y=f())=>{}", "async z=>1", "() => 2"):
        assert told(text)
    for text in ("function c(){}", "d(){}"):
        assert not told(text)
    assert in_parentheses("a=()=>()=>1", [(2, 11), (6, 11)]) == "a=(()=>(()=>1))"


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


def test_scripts_that_others_have_minified_are_sent_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "bundle.min.js"
    path.write_text("for(;;){if(a);}")
    assert content(path) == path.read_bytes()


def test_declarations_and_gzip_forms_are_not_files_of_the_page() -> None:
    uploaded = page.files("https://api", "dev", SETTINGS)
    assert {"index.html", "config.json", "js/main.js", "vendor/plotly-candles.min.js"} <= set(
        uploaded
    )
    assert [key for key in uploaded if key.endswith((".d.ts", ".gz"))] == []
    assert json.loads(uploaded["config.json"])["averages"] == [5, 20]
    assert uploaded["js/main.js"] == content(ROOT / "js" / "main.js")


def test_benchmarks_of_the_page_import_what_it_exports() -> None:
    imported = re.compile(r'import {([^}]+)} from "\./js/([^"]+)"')
    found = [
        (module, name.strip())
        for path in BENCHED.glob("*.js")
        for names, module in imported.findall(path.read_text())
        for name in names.split(",")
    ]
    assert len(found) >= 6
    exported = r"^export (?:async )?(?:const|let|class|function) {}\b"
    missing = [
        (module, name)
        for module, name in found
        if not re.search(exported.format(name), (ROOT / "js" / module).read_text(), re.MULTILINE)
    ]
    assert missing == []
