"""The command line of the deployment, and what it says when a step fails."""

from __future__ import annotations

import pytest

from infra.deploy import steps
from infra.deploy.__main__ import main
from infra.deploy.errors import DeployError
from infra.deploy.steps import Step, run
from tests.deploy_support.stages import make_stage


@pytest.mark.parametrize("name", ["Dev", "my-stage", "1st", "", "a" * 17, "dev\n"])
def test_stage_that_cannot_be_part_of_a_name_is_refused(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--stage", name, "deploy"])
    assert ended.value.code == 2
    assert "allowed: 1 to 16 of a-z and 0-9" in capsys.readouterr().err


def test_a_missing_stage_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "nowhere", "settings"]) == 1
    assert "make deploy STAGE=nowhere" in capsys.readouterr().err


def test_failed_step_says_what_is_done_and_what_to_repeat(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise OSError("the network is away")

    steps = [Step("first", lambda: ["a line"]), Step("second", fail, "Look there.")]
    with pytest.raises(DeployError) as failed:
        run(steps, "make deploy STAGE=dev")
    first, hint, rest = str(failed.value).splitlines()
    assert first == "step 2 of 2, second: the network is away"
    assert hint == "Look there."
    assert rest.startswith("Done and kept: first.")
    assert rest.endswith("then make deploy STAGE=dev")
    assert "[1/2] first\n  a line\n" in capsys.readouterr().err


@pytest.mark.parametrize("page", [None, {"bucket": "b", "distribution": "E1", "url": "https://p"}])
def test_stage_tells_its_addresses_with_or_without_a_page(
    page: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = make_stage(page=page)
    api = {"resource_type": "rest_api", "rest_api_url": "https://api/"}
    vars(stage)["deployed"] = lambda: [api]
    monkeypatch.setattr("infra.deploy.tokens.stored", lambda _stage: "hash")
    steps._tell(stage)
    told = capsys.readouterr().out.splitlines()
    assert told == (["page: https://p"] if page else []) + ["api: https://api"]


def test_nothing_is_uploaded_for_a_stage_without_a_page() -> None:
    assert steps._described_upload(make_stage(page=None)) == ["the stage has no page"]
