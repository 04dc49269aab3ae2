"""Runs `chalice` with all settings of event source mappings: `python -m
infra.deploy.chalice_command`.

Chalice alone creates a mapping with only batch size and window. Until the other settings are set, a
record that a handler reports as failed counts as done. Chalice also updates every mapping with each
deployment, after which Lambda stops polling for up to 90 seconds. This command creates a mapping
with all its settings in one request. It leaves existing mappings to `mappings.apply`, which changes
only what differs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from chalice.awsclient import TypedAWSClient

from infra.deploy import mappings
from infra.deploy.stage import Stage, load

Wanted = Callable[[str], dict[str, Any]]
"""Returns the settings of a function's event source mapping, given the function's ARN."""


class Client(TypedAWSClient):  # type: ignore[misc]  # mypy does not read Chalice
    """Chalice's AWS client, with other requests for event source mappings."""

    def __init__(self, wanted: Wanted, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._wanted = wanted

    def create_lambda_event_source(
        self,
        event_source_arn: str,
        function_name: str,
        starting_position: str | None = None,
        **_: Any,
    ) -> Any:
        """Create a mapping with the settings of `event_sources.py`. Return the mapping's id."""
        request = {"EventSourceArn": event_source_arn, "FunctionName": function_name}
        request |= self._wanted(function_name)
        if starting_position is not None:
            request["StartingPosition"] = starting_position
        create = self._client("lambda").create_event_source_mapping
        made = self._call_client_method_with_retries(create, request, self.LAMBDA_CREATE_ATTEMPTS)
        return made["UUID"]

    def update_lambda_event_source(self, event_uuid: str, **_: Any) -> None:
        """Leave the mapping unchanged."""


def wanted_of(stage: Stage) -> Wanted:
    """Return a function that looks up the mapping's settings for a function of the stage."""
    handlers = {function.name: handler for handler, function in stage.functions.items()}
    return lambda arn: mappings.wanted_of(stage, handlers[arn.split(":")[6]])


def main(arguments: list[str]) -> int:
    """Run a Chalice command on a stage, such as `deploy --stage NAME`. Return its exit status."""
    from chalice import cli
    from chalice.deploy import deployer

    stage = load(arguments[arguments.index("--stage") + 1])
    deployer.TypedAWSClient = partial(Client, wanted_of(stage))
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
