"""A live panel with addresses, counts and the last alerts, which is redrawn on changes."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.counters import Snapshot
from local.describing import activity, alerts, lag, quarantined, sent, stored
from local.terminal import Addresses, described
from untrusted.printable import printable

RECENT_ALERTS = 8

LOOK_SECONDS = 0.5
"""Seconds between checks for changes."""


class LiveTerminal:
    """A terminal that shows a live panel."""

    def __init__(self, snapshot: Callable[[], Snapshot], console: Console | None = None) -> None:
        self._snapshot = snapshot
        self._console = console or Console()
        self._closed = threading.Event()
        self._drawn: object = None
        self._addresses: Addresses | None = None
        self._alerts: deque[str] = deque(maxlen=RECENT_ALERTS)
        self._live = Live(
            console=self._console, get_renderable=self.render, auto_refresh=False, transient=False
        )

    def ready(self, addresses: Addresses) -> None:
        """See Terminal."""
        self._addresses = addresses
        self._live.start()
        _log_to_stderr()  # rich has replaced it to write above the panel
        threading.Thread(target=self._follow, name="terminal", daemon=True).start()

    def look(self) -> None:
        """Redraw the panel if its contents have changed."""
        shown = self._snapshot(), tuple(self._alerts)
        if shown != self._drawn:
            self._drawn = shown
            self._live.refresh()

    def _follow(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            self.look()

    def note(self, text: str) -> None:
        """See Terminal."""
        self._console.print(Text(printable(text)))

    def alert(self, timestamp: str, text: str) -> None:
        """See Terminal."""
        self._alerts.append(printable(f"{timestamp[:19].replace('T', ' ')}  {text}"))

    def close(self) -> None:
        """See Terminal."""
        self._closed.set()
        self._live.stop()
        _log_to_stderr()

    def render(self) -> Panel:
        """Return the panel in its current state."""
        parts: list[RenderableType] = [self._where(), Text(), self._counts()]
        if self._alerts:
            parts += [Text(), Text("\n".join(self._alerts), style="yellow")]
        return Panel(Group(*parts), title="Ticktape", subtitle="Ctrl-C to stop", expand=False)

    def _where(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        for name, value in described(self._addresses) if self._addresses else []:
            grid.add_row(Text(name, style="bold"), Text(printable(value)))
        return grid

    def _counts(self) -> Table:
        now = self._snapshot()
        grid = Table.grid(padding=(0, 2))
        rows = {
            "Source": activity(now),
            "Sent": sent(now) + (f"  ({now.pending:,} waiting)" if now.pending else ""),
            "Stored": stored(now),
            "Alerts": alerts(now),
            "Lag": lag(now),
        }
        if now.quarantined:
            rows["Quarantined"] = quarantined(now).replace(" quarantined", "", 1)
        if now.given_up:
            rows["Dead-lettered"] = f"{now.given_up:,}"
        for name, value in rows.items():
            grid.add_row(Text(name, style="bold"), Text(printable(value)))
            if name == "Sent" and now.progress is not None:
                grid.add_row(Text("History", style="bold"), _bar(now.progress))
        return grid


def _log_to_stderr() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)


def _bar(progress: float) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(1.0, progress, width=30), f"{progress:.0%}")
    return grid
