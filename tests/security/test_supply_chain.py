"""Only locked packages are installed, whatever their index."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deploy import collector_package, package, wheels
from infra.deploy.errors import DeployError
from tests.deploy_support.stages import make_stage
from tools import audit

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = (
    "requirements*.txt",
    "requirements/*.txt",
    "*/requirements*.txt",
    "*/*/requirements*.txt",
)
LISTS = sorted(
    path
    for pattern in PATTERNS
    for path in ROOT.glob(pattern)
    if not path.relative_to(ROOT).parts[0].startswith(".")
)
LOCKS = [ROOT / folder / "package-lock.json" for folder in ("tests/node", "tests/browser/npm")]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_every_list_of_the_repository_is_checked() -> None:
    named = {str(path.relative_to(ROOT)) for path in LISTS}
    assert named >= {"requirements.txt", "requirements/run.txt", "producer/deploy/requirements.txt"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: str(path.relative_to(ROOT)))
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
    builds_nothing = ("--only-binary :all:", "--no-build")
    assert all(any(flag in line for flag in builds_nothing) for line in installs)


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
    assert set(audit.FILES) == listed


def test_deployed_packages_are_locked_like_tested_ones() -> None:
    tested = _entries(ROOT / "requirements" / "run.txt")
    functions = _entries(ROOT / "requirements.txt")
    core = {name: tested[name] for name in ("msgspec", "tzdata")}
    assert functions.items() >= core.items()
    assert functions == {name: tested[name] for name in functions}
    producer = _entries(ROOT / "producer" / "deploy" / "requirements.txt")
    assert producer.items() >= core.items()
    collector = _entries(ROOT / collector_package.LISTED)
    assert set(collector) >= {*core, "yfinance", "exchange-calendars", "curl-cffi", "pandas"}
    listed = (ROOT / "producer" / "deploy" / "requirements.txt").read_text().strip()
    for name, entry in collector.items():
        others = re.findall(rf"^{re.escape(name)}==.*?(?=\n\S|\Z)", listed, re.M | re.S)
        assert without_marker(entry) in [without_marker(other) for other in others], name


def without_marker(entry: str) -> str:
    """An entry of a list without the condition on the Python that it is for."""
    return re.sub(r" ;.*?(?= \\$)", "", entry, count=1, flags=re.M)


def _entries(path: Path) -> dict[str, str]:
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    return {entry.partition("==")[0]: entry for entry in entries}


def test_the_producers_container_demands_the_hashes() -> None:
    dockerfile = (ROOT / "producer" / "deploy" / "Dockerfile").read_text()
    (install,) = [line for line in dockerfile.splitlines() if "pip install" in line]
    assert "--require-hashes --only-binary :all: -r requirements.txt" in install


def forged(folder: Path) -> None:
    """Wheels of the names and versions that the functions need, with other contents."""
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if found := re.match(r"([\w-]+)==([\w.]+)", line):
            name, version = found.groups()
            info = f"{name}-{version}.dist-info"
            with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
                wheel.writestr(f"{name}.py", "EVIL = True")
                wheel.writestr(
                    f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                )
                wheel.writestr(
                    f"{info}/WHEEL",
                    "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                )
                wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def forged_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds forged packages alone."""
    forged(tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


@pytest.mark.usefixtures("forged_index")
def test_a_forged_package_does_not_get_into_the_functions() -> None:
    with (
        pytest.raises(DeployError, match=r"as locked: (?s:.*)DO NOT MATCH THE HASHES"),
        wheels.locked("arm64"),
    ):
        pass


@pytest.mark.usefixtures("forged_index")
def test_a_forged_package_does_not_get_into_the_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_package, "LISTED", Path("requirements.txt"))
    monkeypatch.setattr(collector_package, "FOLDER", tmp_path / "built")
    with pytest.raises(DeployError, match=r"as locked: (?s:.*)DO NOT MATCH THE HASHES"):
        collector_package.build("arm64")
    assert not list((tmp_path / "built").glob("*.zip"))


def test_chalice_builds_from_the_locked_packages_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class BuiltError(Exception):
        pass

    @contextmanager
    def locked(architecture: str) -> Iterator[dict[str, str]]:
        yield {"PIP_FIND_LINKS": f"locked for {architecture}"}

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> None:
        assert "package" in command
        raise BuiltError(env["PIP_FIND_LINKS"])

    monkeypatch.setattr(wheels, "locked", locked)
    monkeypatch.setattr("infra.deploy.package.subprocess.run", run)
    with pytest.raises(BuiltError, match="locked for arm64"):
        package.build(make_stage())


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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_take_actions_by_commit(path: Path) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text())
    assert uses
    pinned = r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"  # Dependabot moves both
    assert [one for one in uses if not re.fullmatch(pinned, one)] == []


def test_continuous_integration_takes_one_version_of_terraform() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = ci["jobs"]["ci"]["steps"]
    (setup,) = [step for step in steps if "setup-terraform" in step.get("uses", "")]
    assert re.fullmatch(r"\d+\.\d+\.\d+", setup["with"]["terraform_version"])


def test_dependabot_follows_all_that_is_pinned() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    followed = {update["package-ecosystem"] for update in updates}
    assert followed == {"pip", "npm", "terraform", "docker", "github-actions"}
