"""The page's JSDoc types hold, by the TypeScript compiler."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from local.page_files import ROOT, content
from tests.browser.npm_tools import FOLDER, npm_file

_CANONICAL = """
const ts = require(process.argv[1]);
const print = (text) => ts.transpileModule(text, { reportDiagnostics: true, compilerOptions:
  { removeComments: true, target: "esnext", module: "esnext" } });
const out = JSON.parse(require("fs").readFileSync(0, "utf8")).map(([name, written, sent]) => {
  const [a, b] = [print(written), print(sent)];
  const bare = ({ outputText }) => outputText.replace(/\\s+/g, "");
  return a.diagnostics.length + b.diagnostics.length || bare(a) !== bare(b) ? name : null;
});
console.log(JSON.stringify(out.filter(Boolean)));
"""


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("tsc runs on Node, and there is no Node here")
    return node


def test_modules_as_sent_are_the_written_ones_without_comments() -> None:
    node, typescript = _node(), npm_file("typescript/lib/typescript.js")
    modules = sorted((ROOT / "js").rglob("*.js"))
    pairs = [[path.name, path.read_text(), content(path).decode()] for path in modules]
    broken = ["broken.js", "export const a = 1;", "export const a = 2;"]
    command = [node, "-e", _CANONICAL, str(typescript)]
    asked = json.dumps([*pairs, broken])
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout) == ["broken.js"], done.stderr
    assert len(modules) > 30


def test_page_has_no_type_error() -> None:
    node = _node()
    tsc = npm_file("typescript/bin/tsc")
    command = [node, str(tsc), "-p", str(FOLDER / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == ""
    assert done.returncode == 0
