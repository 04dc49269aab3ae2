"""Caches objects of JSON lines, unpacked."""

from __future__ import annotations

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.json_lines import lines_of
from embedded_aws.athena.engine.object_cache import LINES_BYTES, ObjectCache


def line_objects(aws: Aws) -> ObjectCache[list[bytes]]:
    """Cache objects as lists of lines; a line costs its bytes plus Python's overhead."""

    def make(name: str, body: bytes) -> tuple[list[bytes], int]:
        lines = lines_of(name, body)
        return lines, sum(len(line) + 60 for line in lines)

    return ObjectCache(aws, LINES_BYTES, make)
