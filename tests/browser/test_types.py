"""The page's JSDoc types hold, by the TypeScript compiler."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from infra.page_files import ROOT, content
from tests.browser.npm_tools import FOLDER, npm_file
from tests.patience import PATIENCE_SECONDS

_DIFFERING = """
const ts = require(process.argv[1]);
const nodes = (text) => {
  const source = ts.createSourceFile("a.js", text, ts.ScriptTarget.ESNext);
  const found = source.parseDiagnostics.map(({ messageText }) => messageText);
  const visit = (node) => {
    found.push([node.kind, node.text]);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return JSON.stringify(found);
};
const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const out = pairs.filter(([, written, sent]) => nodes(written) !== nodes(sent));
console.log(JSON.stringify(out.map(([name]) => name)));
"""
"""Names of the modules whose syntax trees, with each literal's exact text, differ."""


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("tsc runs on Node, and there is no Node here")
    return node


def test_modules_as_sent_are_the_written_ones_without_comments() -> None:
    node, typescript = _node(), npm_file("typescript/lib/typescript.js")
    modules = sorted((ROOT / "js").rglob("*.js"))
    pairs = [[path.name, path.read_text(), content(path).decode()] for path in modules]
    broken = [
        ["value.js", "export const a = 1;", "export const a = 2;"],
        ["space.js", "export const a = `${b ? ` c` : 1}`;", "export const a=`${b?`c`:1}`;"],
    ]
    command = [node, "-e", _DIFFERING, str(typescript)]
    asked = json.dumps([*pairs, *broken])
    done = subprocess.run(
        command, input=asked, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert json.loads(done.stdout) == ["value.js", "space.js"], done.stderr
    assert len(modules) > 30


def test_page_has_no_type_error() -> None:
    node = _node()
    tsc = npm_file("typescript/bin/tsc")
    command = [node, str(tsc), "-p", str(FOLDER / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.stdout == ""
    assert done.returncode == 0
