"""A fake of Lambda's API for event source mappings, whose lists may lag behind changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

MADE = datetime(2026, 11, 20, 12, tzinfo=UTC)


class LambdaMappings:
    """A client of Lambda that only knows mappings. The first `late` lists show an older state."""

    class exceptions:  # noqa: N801  # botocore's name
        """The exceptions of a botocore client."""

        InvalidParameterValueException = ValueError
        ResourceInUseException = RuntimeError
        ResourceNotFoundException = KeyError

    def __init__(self, late: int = 0) -> None:
        self.late = late
        self.updates: list[dict[str, Any]] = []
        self._known: dict[str, dict[str, Any]] = {}
        self._shown: dict[str, dict[str, Any]] = {}

    def create_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        """Create a mapping with only the settings that the request names."""
        uuid = f"mapping-{len(self._known)}"
        arn = request.pop("FunctionName")
        made = {"UUID": uuid, "FunctionArn": arn, "State": "Enabled", "LastModified": MADE}
        self._known[uuid] = made | request
        return self._known[uuid]

    def update_event_source_mapping(self, UUID: str, **request: Any) -> None:  # noqa: N803  # AWS
        """Change the settings that the request names."""
        self.updates.append(request)
        self._known[UUID] = self._known[UUID] | request

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803  # AWS
        """Return a mapping in its current state."""
        return self._known[UUID]

    def get_paginator(self, _operation: str) -> Any:
        """Return a paginator over the lists of mappings."""
        return SimpleNamespace(paginate=self._pages)

    def _pages(self) -> Iterator[dict[str, Any]]:
        if self.late:
            self.late -= 1
        else:
            self._shown = dict(self._known)
        yield {"EventSourceMappings": list(self._shown.values())}
