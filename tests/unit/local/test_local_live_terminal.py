"""The live panel is drawn when it has something new to show, and costs nothing otherwise."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from local import live_terminal
from local.counters import Snapshot
from local.live_terminal import LiveTerminal
from local.terminal import Addresses


def test_the_panel_is_drawn_again_only_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_terminal, "LOOK_SECONDS", 3600.0)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's, which it would redirect
    out = io.StringIO()
    snapshot = Snapshot(source="simulator", state="live")
    console = Console(file=out, force_terminal=True, width=100)
    terminal = LiveTerminal(lambda: snapshot, console)
    terminal.ready(Addresses(page=None, api="http://api", aws="http://aws", token="t", data="d"))
    try:
        terminal.look()
        drawn = len(out.getvalue())
        for _ in range(10):
            terminal.look()
        assert len(out.getvalue()) == drawn
        snapshot = Snapshot(source="simulator", state="live", ticks=17)
        terminal.look()
        assert "17 ticks" in out.getvalue()[drawn:]
        terminal.alert("2026-11-20T15:30:00.000000Z", "AAPL above 200")
        terminal.look()
        assert "AAPL above 200" in out.getvalue()
    finally:
        terminal.close()


def test_the_panel_shows_how_much_of_the_history_was_sent() -> None:
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    now = Snapshot(source="files", state="sending history", progress=0.4)
    with console.capture() as captured:
        console.print(LiveTerminal(lambda: now, console).render())
    row = next(line for line in captured.get().splitlines() if "History" in line)
    assert "40%" in row
    assert "━" in row
