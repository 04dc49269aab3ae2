"""The collector's zip, and when it is sent."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import collector, collector_package, wheels
from infra.deploy.errors import DeployError
from infra.deploy.stage import Collector, Stage
from tests.deploy_support.stages import make_stage

FILES = {
    "yfinance/__init__.py": b"import pandas",
    "yfinance/tests/__init__.py": b"raise ImportError",
    "yfinance/base.pyi": b"",
    "yfinance/py.typed": b"",
    "yfinance/__pycache__/__init__.cpython-311.pyc": b"compiled here",
    "yfinance-1.dist-info/METADATA": b"Name: yfinance",
    "yfinance-1.dist-info/RECORD": b"of this machine",
    "numpy/core.so": b"\x7fELF",
    "numpy/core.h": b"#define",
    "bin/sample": b"#!/this/machine/python",
}
NEEDED = {"yfinance/__init__.py", "yfinance-1.dist-info/METADATA", "numpy/core.so"}


class Pip:
    """In place of pip: writes FILES, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def install(self, listed: Path, folder: Path, architecture: str, python: str) -> None:
        assert listed == collector_package.LISTED
        self.asked.append((architecture, python))
        for name, content in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    pip = Pip()
    monkeypatch.setattr(wheels, "install", pip.install)
    monkeypatch.setattr(collector_package, "FOLDER", tmp_path / "collector")
    return pip


def test_zip_holds_what_a_run_may_need_and_is_the_same_each_time(pip: Pip) -> None:
    path = collector_package.build("arm64")
    first = path.read_bytes()
    with zipfile.ZipFile(path) as found:
        names = found.namelist()
        assert found.read("producer/hours.py") == Path("producer/hours.py").read_bytes()
        assert {entry.date_time[0] for entry in found.infolist()} == {1980}
    assert names == sorted(names)
    own = {name for name in names if name.startswith(("producer/", "untrusted/", "chalicelib/"))}
    assert set(names) - own == NEEDED
    assert not [name for name in own if not name.endswith(".py")]
    assert not [name for name in own if name.startswith("chalicelib/services")]
    path.unlink()
    assert collector_package.build("arm64").read_bytes() == first
    assert pip.asked == [("arm64", "3.13")] * 2


def test_zip_of_the_same_sources_is_not_built_again(
    pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = collector_package.build("arm64").stat().st_mtime_ns
    assert collector_package.build("arm64").stat().st_mtime_ns == made
    collector_package.build("x86_64")
    assert pip.asked == [("arm64", "3.13"), ("x86_64", "3.13")]
    ours = collector_package.own_files()
    changed = {**ours, "producer/hours.py": ours["producer/cli.py"]}
    monkeypatch.setattr(collector_package, "own_files", lambda: changed)
    collector_package.build("arm64")
    assert len(pip.asked) == 3


@pytest.mark.usefixtures("pip")
@pytest.mark.parametrize("limit", ["MOST_ZIPPED", "MOST_UNPACKED"])
def test_zip_that_lambda_would_not_take_is_refused_each_time(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_package, limit, 1000)
    for _ in range(2):
        with pytest.raises(DeployError, match=r"the collector has [\d,]+ bytes .* allows 1,000"):
            collector_package.build("arm64")


class Lambda:
    """A client of Lambda that has one function, with the code of a hash."""

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256
        self.calls: list[str] = []

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803  # AWS
        assert FunctionName == "ticktape-dev-collector"
        return {"CodeSha256": self.sha256}

    def update_function_code(self, FunctionName: str, ZipFile: bytes) -> None:  # noqa: N803
        assert ZipFile.startswith(b"PK")
        self.calls.append("update")

    def get_waiter(self, name: str) -> Any:
        assert name == "function_updated_v2"
        return self

    def wait(self, FunctionName: str) -> None:  # noqa: N803  # AWS
        self.calls.append("wait")


def stage_with(client: Lambda) -> Stage:
    """A stage whose collector is a function."""
    stage = make_stage(collector={"kind": "lambda", "name": "ticktape-dev-collector"})
    stage._clients["lambda"] = client
    return stage


@pytest.mark.usefixtures("pip")
def test_code_is_sent_where_it_differs_and_only_there() -> None:
    other = Lambda("another hash")
    (told,) = collector.update(stage_with(other))
    assert told.startswith("updated: arm64.zip: ")
    assert other.calls == ["wait", "update", "wait"]
    same = Lambda(collector.sha256(collector_package.build("arm64")))
    assert collector.update(stage_with(same)) == ["unchanged"]
    assert same.calls == []


@pytest.mark.parametrize("kind", ["none", "fargate"])
def test_stage_without_the_function_builds_and_sends_nothing(kind: str, pip: Pip) -> None:
    class Variables:
        def variables(self, *names: str) -> dict[str, Any]:
            return dict.fromkeys(names, "") | {"collector": kind, "settings": {}}

    stage = make_stage(collector={"kind": kind, "name": "x"})
    assert collector.update(stage) == ["the stage has no collector function"]
    given: Any = Variables()
    assert collector.prepare(given) == [f"collector = {kind}: there is nothing to build"]
    assert pip.asked == []


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("lambda", {"COLLECTOR_INTERVALL": "15"}, "COLLECTOR_INTERVALL; known: COLLECTOR_"),
        ("lambda", {"COLLECTOR_INTERVAL": "often"}, "tfvars: COLLECTOR_INTERVAL: .*often"),
        ("lambda", {"COLLECTOR_SOURCE": "yfinance-live"}, "COLLECTOR_SOURCE: 'yfinance-live'"),
        ("lambda", {"COLLECTOR_SOURCE": "coinbase"}, "COLLECTOR_SOURCE: 'coinbase'"),
        ("fargate", {"COLLECTOR_SOURCE": "recording"}, "COLLECTOR_SOURCE: 'recording'"),
    ],
)
def test_setting_that_the_collector_would_refuse_is_named_before_anything_changes(
    kind: str, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(DeployError, match=said):
        collector.check(kind, settings)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("lambda", "simulator"),
        ("fargate", "yfinance-live"),
        ("fargate", "coinbase"),
        ("fargate", "alpaca"),
        ("none", ""),
    ],
)
def test_settings_that_it_can_use_pass(kind: str, source: str) -> None:
    own = {"COLLECTOR_SOURCE": source, "COLLECTOR_SYMBOLS": "tracked", "COLLECTOR_INTERVAL": "60"}
    collector.check(kind, {**own, "ANOMALY_PERCENT": "3"})


def test_every_setting_is_documented() -> None:
    documented = Path("docs/settings.md").read_text()
    assert [name for name in collector.KNOWN if name not in documented] == []


def test_stage_that_an_older_version_applied_has_no_collector() -> None:
    assert make_stage().collector == Collector("none", "")
