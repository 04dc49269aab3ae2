"""The changes of stored prices as the stream reports them. They say which ticks detect must
read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.domain.times import later
from chalicelib.services.priced import NEAR_SECONDS, Span


class ChangedPrices(msgspec.Struct, frozen=True):
    """A stream record of a symbol, or several joined ones. All ticks from `complete_from` to
    `newest` are stored.

    `identifier` is reported on failure. The changed ticks lie in `spans`, which are in order.
    Without spans, they lie anywhere from `complete_from` to `newest`. `again` means that the item
    existed before with other content. An invocation that died may have made bars from that content.
    In joined records, `changed` has the spans of the records for which `again` holds.
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
    def all_spans(self) -> tuple[Span, ...]:
        """Return the spans. If there are none, return one span from `complete_from` to `newest`."""
        return self.spans or ((self.complete_from, self.newest),)

    @property
    def came_again(self) -> tuple[Span, ...]:
        """Return the spans of items that existed before with other content."""
        return self.changed or (self.all_spans if self.again else ())

    def to_repair(self, last: str, reached: str) -> list[Span]:
        """Return the spans whose bars may be wrong: all spans up to the instant `last`, and the
        spans of `came_again` up to the instant `reached`. Spans near each other are joined."""
        bounded = [(start, min(end, last)) for start, end in self.all_spans if start <= last]
        bounded += [
            (start, min(end, reached)) for start, end in self.came_again if start <= reached
        ]
        return joined_spans(bounded)


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, with spans near each other joined."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= later(found[-1][1], seconds=NEAR_SECONDS):
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def by_symbol(changes: Iterable[ChangedPrices]) -> list[ChangedPrices]:
    """Return one change per symbol, with its first identifier, newest tick and earliest
    complete_from."""
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
        tuple(sorted(span for one in changes for span in one.all_spans)),
        changed=tuple(span for one in changes for span in one.came_again),
    )
