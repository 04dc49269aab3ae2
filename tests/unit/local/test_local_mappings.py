"""The local system's event sources beside those of a deployment."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib.settings import configured
from embedded_aws.event_sources.settings import Source
from local.mappings import INGEST_WINDOW_SECONDS, as_source, local_sources
from rigs.memory_aws.system import SETTINGS


def test_only_the_window_of_ingest_differs_from_a_deployments() -> None:
    deployed, local = configured(SETTINGS), local_sources(SETTINGS)
    assert local["ingest_kinesis"].window_seconds == INGEST_WINDOW_SECONDS
    assert deployed["ingest_kinesis"].window_seconds > INGEST_WINDOW_SECONDS
    for name in Source.__struct_fields__:
        if name != "window_seconds":
            expected = getattr(deployed["ingest_kinesis"], name)
            assert getattr(local["ingest_kinesis"], name) == expected, name
    others = {handler: source for handler, source in local.items() if handler != "ingest_kinesis"}
    assert others == {handler: as_source(deployed[handler]) for handler in others}


@pytest.mark.parametrize("seconds", [0, 1, 30])
def test_a_window_that_is_set_is_taken(seconds: int) -> None:
    settings = msgspec.structs.replace(SETTINGS, ingest_kinesis_window_seconds=seconds)
    assert local_sources(settings)["ingest_kinesis"].window_seconds == seconds
