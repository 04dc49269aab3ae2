"""One Chromium and one running system for all browser tests; every page is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from rigs.chromium import ARGUMENTS, full, headless
from rigs.running_system import SHOWN, System, running_system
from rigs.stand_in import StandIn, stand_in
from tests.browser.first_visit import FirstVisit, visit
from tests.patience import PATIENCE_SECONDS

PATIENCE_MS = PATIENCE_SECONDS * 1000
PATIENT = "AbortSignal.timeout = () => new AbortController().signal;"
"""The page gives up on an answer after 15 s, which a busy machine may need."""

_BLOCKED = "Service Worker registration blocked by Playwright"
"""What a page is told whose worker is not installed."""

LOCAL = {"127.0.0.1", "localhost"}


@dataclass
class Watched:
    """A page's console errors (including reports of its policy), and the hosts that it
    requested."""

    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    expected: str = ""

    def on_console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings, but those that a test provokes."""
        text = f"{message.text} {message.location.get('url', '')}"
        provoked = self.expected and self.expected in text
        if message.type in ("error", "warning") and not provoked and _BLOCKED not in text:
            self.errors.append(text)

    def on_request(self, request: Request) -> None:
        """Keep the host of a request that leaves the browser."""
        if host := urlsplit(request.url).hostname:
            self.hosts.add(host)

    def assert_clean(self) -> None:
        """No console error, no exception, no other host."""
        assert self.errors == []
        assert self.hosts <= LOCAL


OpenPage = Callable[..., Page]
Call = Callable[..., Any]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the machine's headless Chromium; skips, saying so, where there is none."""
    path = headless()
    if path is None:
        pytest.skip("no Chromium found: install one, or run `make setup`")
    return path


@pytest.fixture(scope="package")
def playwright(chromium: str) -> Iterator[Playwright]:
    """Playwright's driver, which may run only once in a process."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """One browser for all files."""
    browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def full_browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with everything that users have: the headless shell shows no notifications."""
    path = full()
    if path is None:
        pytest.skip("no full Chromium found: install one, or run `make setup`")
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open addresses in the browser of all files, as `opener` does."""
    with opener(browser) as open_at:
        yield open_at


@pytest.fixture
def open_in_full_browser(full_browser: Browser) -> Iterator[OpenPage]:
    """Open addresses in a full Chromium, as `opener` does."""
    with opener(full_browser) as open_at:
        yield open_at


@contextmanager
def opener(browser: Browser) -> Iterator[OpenPage]:
    """Open an address in a fresh context; afterwards the page must have been clean.

    `expect` names a text that console messages may contain, where a test provokes them. Pages show
    no motion unless `motion` is true: fading new prices takes as much CPU time as drawing them.
    The page's service worker is installed if `worker` is true: it loads all of the page again.
    `touch` makes it a phone's, whose pointer is a finger.
    """
    opened: list[tuple[Page, Watched]] = []

    def open_at(
        url: str,
        *,
        width: int = 1440,
        height: int = 900,
        scheme: str = "dark",
        motion: bool = False,
        expect: str = "",
        prepare: Callable[[Page], object] | None = None,
        permissions: list[str] | None = None,
        worker: bool = False,
        touch: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="no-preference" if motion else "reduce",
            permissions=permissions or [],
            accept_downloads=True,
            service_workers="allow" if worker else "block",
            has_touch=touch,
            is_mobile=touch,
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(PATIENT)
        page = context.new_page()
        watched = Watched(expected=expect)
        page.on("console", watched.on_console)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on("request", watched.on_request)
        opened.append((page, watched))
        if prepare:
            prepare(page)
        page.goto(url)
        return page

    yield open_at
    for page, _ in opened:
        page.context.close()
    for _, watched in opened:
        watched.assert_clean()


@pytest.fixture(scope="module")
def call(browser: Browser) -> Iterator[Call]:
    """Call an exported function: `call("data/indicators.js", "sma", closes, 5)`."""
    with stand_in() as world:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{world.page}/config.json")

        def run(module: str, name: str, *arguments: object) -> Any:
            script = """async ([module, name, given]) => {
              const revive = (v) => v?.$map ? new Map(v.$map) : v;
              const out = (await import(`/js/${module}`))[name](...given.map(revive));
              return out instanceof Map ? [...out] : out;
            }"""
            return page.evaluate(script, [module, name, list(arguments)])

        yield run
        context.close()


@pytest.fixture
def world() -> Iterator[StandIn]:
    """A stand-in for the system, for situations that the real one cannot be brought into."""
    with stand_in() as running:
        yield running


@pytest.fixture(scope="package")
def cold_start(browser: Browser) -> Iterator[tuple[System, FirstVisit]]:
    """The real system with simulated prices, started once, and what its page showed when it was
    opened at the moment when its address was printed. It ends with the last of these files: its
    prices keep a core busy, less so since they come each 10 s."""
    with running_system(
        "--interval", "10", "--symbols", ",".join(SHOWN), "--alerts", "every-tick"
    ) as running:
        yield running, visit(browser, running.page)


@pytest.fixture(scope="package")
def first_visit(cold_start: tuple[System, FirstVisit]) -> FirstVisit:
    """Return what the first visitor of the system saw."""
    return cold_start[1]


@pytest.fixture(scope="package")
def system(cold_start: tuple[System, FirstVisit]) -> System:
    """The system, once it has all of its history."""
    cold_start[0].wait_for_history()
    return cold_start[0]


@pytest.fixture(scope="package")
def unfed() -> Iterator[System]:
    """A system without a producer, which would soon send prices of whatever is added."""
    with running_system("--source", "none") as running:
        yield running
