"""What the stream says of the prices that are there: where detect has to look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.domain.times import later
from chalicelib.services.priced import NEAR_SECONDS, Span


class ChangedPrices(msgspec.Struct, frozen=True):
    """One stream record that says: of `symbol`, everything from complete_from to newest is there.

    `identifier` is what a failure is reported by. The ticks lie in `spans`, in order, or anywhere
    between where there are none. `again`: the item was there before with other content, so that an
    invocation that died may have made bars of ticks that were other ones.
    """

    identifier: str
    symbol: str
    newest: str
    complete_from: str
    ingested_at: str
    spans: tuple[Span, ...] = ()
    again: bool = False
    changed: tuple[Span, ...] = ()

    @property
    def stretches(self) -> tuple[Span, ...]:
        """The spans, at least one."""
        return self.spans or ((self.complete_from, self.newest),)

    @property
    def came_again(self) -> tuple[Span, ...]:
        """The stretches of items that were there before."""
        return self.changed or (self.stretches if self.again else ())

    def to_repair(self, last: str, reached: str) -> list[Span]:
        """The stretches of ticks up to the instant `last`, and of those that came again up to
        `reached`; those that are near each other as one."""
        bounded = [(start, min(end, last)) for start, end in self.stretches if start <= last]
        bounded += [
            (start, min(end, reached)) for start, end in self.came_again if start <= reached
        ]
        return united(bounded)


def united(spans: Iterable[Span]) -> list[Span]:
    """Stretches in order, those that are near each other as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= later(found[-1][1], seconds=NEAR_SECONDS):
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def by_symbol(changes: Iterable[ChangedPrices]) -> list[ChangedPrices]:
    """One change a symbol: the first's identifier, the newest tick, the earliest complete_from."""
    found: dict[str, list[ChangedPrices]] = {}
    for change in changes:
        found.setdefault(change.symbol, []).append(change)
    return [mine[0] if len(mine) == 1 else _joined(mine) for mine in found.values()]


def _joined(changes: Sequence[ChangedPrices]) -> ChangedPrices:
    return ChangedPrices(
        changes[0].identifier,
        changes[0].symbol,
        max(one.newest for one in changes),
        min(one.complete_from for one in changes),
        max(one.ingested_at for one in changes),
        tuple(sorted(span for one in changes for span in one.stretches)),
        changed=tuple(span for one in changes for span in one.came_again),
    )
