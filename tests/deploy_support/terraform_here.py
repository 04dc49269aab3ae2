"""Finds Terraform and its AWS provider on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

INFRA = Path(__file__).resolve().parents[2] / "infra"
MIRROR = "registry.terraform.io"
_ROOTS = ("/usr", "/opt", "/var/lib", "~/.terraform.d", "~/.local/share/terraform")
_DEPTH = "6"


@cache
def plugin_directory() -> Path | None:
    """Return the folder with a mirror of the registry that has the AWS provider, or None."""
    for mirror in [*_configured(), *_found()]:
        if (mirror / MIRROR / "hashicorp" / "aws").is_dir():
            return mirror
    return None


def needs_terraform() -> None:
    """Skip the test if Terraform or the provider is missing. The reason names which."""
    if shutil.which("terraform") is None:
        pytest.skip("there is no terraform on the PATH")
    if plugin_directory() is None:
        pytest.skip(f"there is no folder {MIRROR} with Terraform's AWS provider")


def terraform_environment() -> dict[str, str]:
    """Return the variables that Terraform needs besides the emulated AWS."""
    return {
        "TF_CLI_ARGS_init": f"-plugin-dir={plugin_directory()}",
        "TF_CLI_ARGS_apply": "-parallelism=30",
        "TF_CLI_ARGS_destroy": "-parallelism=30",
        "TF_IN_AUTOMATION": "1",
        "TF_VAR_s3_use_path_style": "true",
        "CHECKPOINT_DISABLE": "1",
        "GOGC": "400",  # the provider's schemas are most of its memory: collecting them takes long
    }


def with_provider(directory: Path, environment: Mapping[str, str]) -> Path:
    """Install the provider that `infra/` requires into an empty folder. Return the folder."""
    shutil.copyfile(INFRA / "versions.tf", directory / "versions.tf")
    command = ["terraform", f"-chdir={directory}", "init", "-input=false"]
    subprocess.run(command, env=dict(environment), stdout=subprocess.DEVNULL, check=True)
    return directory


@contextmanager
def running_provider(
    initialised: Path, infra: Path, environment: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Run the provider of an initialised folder in a project's `infra/`. Yield the variables with
    which Terraform uses this process.

    Paths of resources are relative to `infra/`. Without this process each command hashes the
    provider's 700 MB, starts it and ends it, which takes half of the command's CPU time.
    """
    installed = initialised / ".terraform" / "providers" / MIRROR / "hashicorp" / "aws"
    (program,) = installed.glob("*/*/terraform-provider-aws_*")
    provider = subprocess.Popen(
        [program, "-debug"],
        cwd=infra,
        env={**environment, "TF_LOG": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with provider:
        try:
            assert provider.stdout is not None
            found = filter(None, map(_ATTACHED.search, provider.stdout))
            yield {"TF_REATTACH_PROVIDERS": next(found)[1]}
        finally:
            provider.kill()


_ATTACHED = re.compile("TF_REATTACH_PROVIDERS='(.*)'")


def _configured() -> list[Path]:
    file = Path(os.environ.get("TF_CLI_CONFIG_FILE", "~/.terraformrc")).expanduser()
    if not file.is_file():
        return []
    blocks = re.findall(r"filesystem_mirror\s*\{[^}]*\}", file.read_text())
    return [Path(path) for block in blocks for path in re.findall(r'path\s*=\s*"([^"]+)"', block)]


def _found() -> list[Path]:
    roots = [str(root) for root in (Path(r).expanduser() for r in _ROOTS) if root.is_dir()]
    command = ["find", *roots, "-maxdepth", _DEPTH, "-type", "d", "-name", MIRROR, "-prune"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [Path(line).parent for line in found.splitlines()]
