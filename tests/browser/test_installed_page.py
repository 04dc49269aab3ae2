"""The installed page: its manifest, and the service worker that keeps its files and no price."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from embedded_aws.http_server import Handler, Server
from infra.page_files import ROOT
from local import page_server
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage

UNLOADED = "Failed to load resource"
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const { url } of await (await caches.open(name)).keys()) found.push(url);
  return found;
}"""
REPLACED = """async (before) => {
  for (;;) {
    const now = await caches.keys();
    if (now.length === 1 && now[0] !== before[0]) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}"""
READY = "async () => (await navigator.serviceWorker.ready).active.scriptURL"
CONTROLLED = "() => navigator.serviceWorker.controller !== null"


class Started:
    """The page as a start of the local system serves it, and as the next start does."""

    def __init__(self, world: StandIn, root: Path = ROOT) -> None:
        self._world = world
        self._handler = self._made(root)
        self.server = Server(0)
        self.server.start(self._handler)

    def _made(self, root: Path) -> type[Handler]:
        return page_server.handler(self._world.api, {"averages": [5, 20]}, root)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/"

    def again(self) -> None:
        """Serve another start at the same address, also to connections that are kept."""
        made = self._made(ROOT)
        for name in ("files", "policy", "settings", "start"):
            setattr(self._handler, name, getattr(made, name))


@contextmanager
def started(world: StandIn, root: Path = ROOT) -> Iterator[Started]:
    """A start whose server ends with the test."""
    found = Started(world, root)
    try:
        yield found
    finally:
        found.server.stop()


@pytest.fixture
def address(world: StandIn) -> Iterator[str]:
    with started(world) as system:
        yield system.address


def wait_for_worker(page: Page) -> None:
    assert page.evaluate(READY).endswith("/sw.js")
    page.wait_for_function(CONTROLLED)


def test_the_manifest_has_no_errors_and_its_icons_are_there(
    address: str, open_page: OpenPage
) -> None:
    page = open_page(address, expect=UNLOADED)
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["errors"] == []
    named = json.loads(found["data"])["icons"]
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in named}
    assert any(icon.get("purpose") == "maskable" for icon in named)
    for icon in named:
        answer = page.request.get(address + icon["src"])
        assert (answer.status, answer.headers["content-type"]) == (200, icon["type"])


def test_without_a_connection_the_shell_opens_and_says_so_and_keeps_no_price(
    address: str, open_page: OpenPage
) -> None:
    page = open_page(address, worker=True, expect=UNLOADED)
    expect(page.locator("#watch")).to_contain_text("ACME")
    wait_for_worker(page)
    page.reload()  # controlled by the worker from its first request on
    expect(page.locator("#watch")).to_contain_text("ACME")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("Offline", exact=True)).to_be_visible()
    expect(page.locator("#chart-message")).to_contain_text("You are offline.")
    expect(page.locator("#watch")).not_to_contain_text("ACME")
    kept = [urlsplit(url) for url in page.evaluate(KEPT)]
    assert {f"http://{url.netloc}/" for url in kept} == {address}
    suffixes = {Path(url.path).suffix for url in kept}
    assert suffixes == {"", ".css", ".js", ".json", ".png", ".svg", ".webmanifest"}
    assert [url.path for url in kept if url.path.endswith(".json")] == ["/config.json"]
    assert [url.path for url in kept if not Path(url.path).suffix] == ["/"]
    page.context.set_offline(False)
    expect(page.locator("#watch")).to_contain_text("ACME")


def test_after_another_start_the_page_is_the_new_one_at_once(
    world: StandIn, open_page: OpenPage
) -> None:
    with started(world) as system:
        page = open_page(system.address, worker=True, expect=UNLOADED)  # the server stops first
        wait_for_worker(page)
        before = page.evaluate("caches.keys()")
        named = page.locator("script[type=module]").get_attribute("src")
        system.again()
        page.reload()
        assert page.locator("script[type=module]").get_attribute("src") != named
        page.evaluate(REPLACED, before)


def test_another_programs_worker_at_this_address_is_replaced_and_its_page_loaded_again(
    world: StandIn, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text('<script src="js/a.js"></script>another program')
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text('navigator.serviceWorker.register("sw.js")')
    (tmp_path / "sw.js").write_text(
        'self.addEventListener("install", () => self.skipWaiting());'
        'self.addEventListener("activate", (e) => e.waitUntil(clients.claim()));'
        'self.addEventListener("fetch", (e) => { if (e.request.mode === "navigate")'
        ' e.respondWith(new Response("another program")); });'
    )
    with started(world, tmp_path) as system:
        page = open_page(system.address, worker=True, expect=UNLOADED)  # the server stops first
        wait_for_worker(page)
        system.again()
        page.reload()
        expect(page.locator("body")).to_have_text("another program")
        page.evaluate("navigator.serviceWorker.ready.then((found) => void found.update())")
        expect(page.locator("#watch")).to_contain_text("ACME")
