"""rigs/chromium.py against the Playwright that is installed, and which browser is taken."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import playwright
import pytest

from rigs.chromium import DISABLED_BY_PLAYWRIGHT, FULL, SHELL, full, headless

ROOT = Path(__file__).resolve().parents[3]
DRIVER = Path(playwright.__file__).parent / "driver" / "package" / "lib"


def test_our_disabled_features_repeat_those_of_playwright() -> None:
    source = (DRIVER / "coreBundle.js").read_text()
    listed = re.search(r"disabledFeatures = \[(.*?)\]\.filter", source, re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r'^ *"(\w+)",?$', listed[1], re.MULTILINE)) == DISABLED_BY_PLAYWRIGHT


@pytest.mark.parametrize(
    ("there", "headless_name", "full_name"),
    [
        ([SHELL, *FULL], SHELL, "chromium"),
        (["google-chrome"], "google-chrome", "google-chrome"),
        ([SHELL], SHELL, None),
        ([], None, None),
    ],
)
def test_the_headless_shell_is_preferred_to_a_full_browser(
    there: list[str],
    headless_name: str | None,
    full_name: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in there:
        _program(tmp_path / name, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert headless() == (headless_name and str(tmp_path / headless_name))
    assert full() == (full_name and str(tmp_path / full_name))


@pytest.mark.parametrize(
    ("there", "offered", "tried", "said"),
    [
        ([], [SHELL, "chromium"], [f"chromium {SHELL}"], ""),
        ([], ["chromium"], [f"chromium {SHELL}", "chromium"], ""),
        ([], [], [f"chromium {SHELL}", "chromium"], "will be skipped"),
        (["chromium"], [SHELL], [SHELL], ""),
        (["google-chrome"], [], [], ""),
        (["chromium", SHELL], [SHELL], [], ""),
    ],
)
def test_setup_installs_what_is_missing_and_offered(
    there: list[str], offered: list[str], tried: list[str], said: str, tmp_path: Path
) -> None:
    for name in there:
        _program(tmp_path / name, "")
    _program(tmp_path / "id", "echo 0")
    known = " ".join(f"[{name}]=1" for name in offered)
    _program(tmp_path / "apt-cache", f'declare -A known=({known}); [ -n "${{known[$2]:-}}" ]')
    _program(
        tmp_path / "apt-get",
        f"""[ "$1" = install ] || exit 0
        shift 3; echo "$*" >> {tmp_path}/tried
        for name; do {tmp_path}/apt-cache show "$name" || exit 100; done
        for name; do /bin/cp {tmp_path}/id {tmp_path}/$name; done""",
    )
    script = ["/bin/bash", str(ROOT / "tools" / "browser.sh")]
    done = subprocess.run(
        script, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    asked = tmp_path / "tried"
    assert (asked.read_text().splitlines() if asked.exists() else []) == tried
    assert said in done.stderr
    assert ("skipped" in done.stderr) == bool(said)


def _program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
