"""Shows the status to people, as a live table of symbols in the terminal."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chalicelib.domain.times import from_text
from producer.status import Quote, Status
from untrusted.printable import printable

_REFRESH_SECONDS = 0.5
_MOST_ROWS = 40


class TableReporter:
    """Draws a table on stderr twice a second. Messages scroll above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr)
        self._live = Live(console=self._console, auto_refresh=False)
        self._status: Status | None = None
        self._stopped = threading.Event()

    def tell(self, event: str, message: str) -> None:
        """Print a message above the table."""
        style = "yellow" if event == "problem" else "cyan"
        self._console.print(Text(printable(message), style=style))

    def start(self, status: Status) -> None:
        """Start drawing the table."""
        self._status = status
        self._live.start()
        threading.Thread(target=self._loop, name="table", daemon=True).start()

    def stop(self) -> None:
        """Draw the table a last time and leave it on screen."""
        self._stopped.set()
        self._draw()
        self._live.stop()

    def end(self, message: str) -> None:
        """Print how the run ended below the table."""
        self._console.print(Text(printable(message)))

    def _loop(self) -> None:
        while not self._stopped.wait(_REFRESH_SECONDS):
            self._draw()

    def _draw(self) -> None:
        if self._status is not None:
            view = view_of(self._status, datetime.now(UTC), self._console.height)
            self._live.update(view, refresh=True)


def view_of(status: Status, now: datetime, height: int = _MOST_ROWS + 8) -> Group:
    """Build the table and the totals. The table has as many symbols as fit into the terminal's
    height."""
    table = Table(box=None, pad_edge=False)
    table.add_column("symbol")
    for name in ("last", "change", "age", "sent"):
        table.add_column(name, justify="right")
    quotes = sorted(status.quotes.items())
    shown = quotes[: max(1, min(_MOST_ROWS, height - 6))]
    for symbol, quote in shown:
        table.add_row(symbol, *_cells(quote, now))
    hidden = len(quotes) - len(shown)
    more = Text(f"and {hidden} more" if hidden else "")
    return Group(table, more, *_progress_bar(status.progress), _totals(status))


def _progress_bar(progress: float | None) -> list[Table]:
    if progress is None:
        return []
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(1.0, progress, width=40), f"{progress:.0%}")
    return [grid]


def _cells(quote: Quote, now: datetime) -> tuple[str | Text, ...]:
    price = "" if quote.price is None else f"{quote.price:f}"
    age = ""
    if quote.timestamp:
        age = _age((now - from_text(quote.timestamp)).total_seconds())
    return price, _change(quote.price, quote.previous_close), age, str(quote.sent)


def _change(price: Decimal | None, previous: Decimal | None) -> Text:
    if price is None or not previous:
        return Text("")
    percent = (price - previous) * 100 / previous
    style = "green" if percent > 0 else "red" if percent < 0 else ""
    return Text(f"{percent:+.2f} %", style=style)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _totals(status: Status) -> Text:
    dropped = ", ".join(f"{count} {reason}" for reason, count in status.dropped.most_common())
    parts = [
        f"{status.source} -> {status.sink}: {status.state}",
        f"{status.sent_ticks} ticks and {status.sent_bars} bars sent, {status.pending()} waiting",
        f"{status.refused_records} records refused and sent again",
        f"dropped: {dropped}" if dropped else "nothing dropped",
    ]
    return Text("\n".join(parts))
