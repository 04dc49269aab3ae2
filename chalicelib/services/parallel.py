"""Calls to AWS that need not wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_parallel(call: Callable[[Part], Result], parts: Collection[Part], most: int) -> list[Result]:
    """Return the results of `call` for all parts, in the order of the parts, from at most `most`
    threads.

    A single part, as in most batches of live prices, takes no thread, which would cost 0.4 ms.
    """
    if len(parts) < 2:
        return [call(part) for part in parts]
    with ThreadPoolExecutor(min(most, len(parts))) as pool:
        return list(pool.map(call, parts))
