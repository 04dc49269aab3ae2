"""What is installed is what was locked, wherever it comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tools import audit

ROOT = Path(__file__).resolve().parents[2]
LISTS = sorted((ROOT / "requirements").glob("*.txt"))
LOCKS = [ROOT / folder / "package-lock.json" for folder in ("tests/node", "tests/browser/npm")]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_each_pinned_package_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) >= 1
    assert all(re.match(r"[\w.-]+(\[[\w,-]+\])?==", entry) for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_installing_demands_the_hashes() -> None:
    script = (ROOT / "tools" / "install.sh").read_text()
    installs = [line for line in script.splitlines() if re.search(r"install --quiet", line)]
    assert len(installs) == 3
    assert all("--require-hashes" in line for line in installs)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_npm_locks_have_hashes_and_no_address(path: Path) -> None:
    packages = json.loads(path.read_text())["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert len(locked) >= 2
    assert all(entry["integrity"].startswith("sha512-") for entry in locked.values())
    assert not any("resolved" in entry for entry in locked.values())
    assert "npm ci" in (ROOT / "tools" / "node.sh").read_text()


def test_all_lists_are_audited() -> None:
    listed = {str(path.relative_to(ROOT)) for path in LISTS}
    assert set(audit.FILES) == listed | {"requirements.txt"}


def test_continuous_integration_runs_what_has_to_pass_on_every_push_and_each_week() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    triggers = ci[True]  # YAML reads `on` as a truth value
    assert {"push", "pull_request", "schedule"} <= set(triggers)
    assert ci["permissions"] == {"contents": "read"}
    steps = ci["jobs"]["ci"]["steps"]
    assert ".ci/run" in [step.get("run") for step in steps]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_read_alone_and_keep_no_credentials(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
