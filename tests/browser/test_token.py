"""The token of the reader's key: what it is asked for, where it is held, how it is forgotten."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from rigs.running_system import System
from tests.browser.conftest import OpenPage
from tests.patience import PATIENCE_SECONDS

HELD = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def new_key(system: System, *scopes: str) -> str:
    """The token of a new key."""
    body = json.dumps({"name": "a reader", "scopes": scopes}).encode()
    headers = {"Authorization": f"Bearer {system.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{system.api}/keys", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        return str(json.load(answer)["token"])


def add(page: Page, symbol: str) -> None:
    """Add a symbol to the list."""
    page.get_by_role("button", name="Add a symbol").click()
    page.get_by_label("Symbol", exact=True).fill(symbol)
    page.get_by_role("button", name="Add", exact=True).click()


def give(page: Page, token: str, *, keep: bool = False) -> None:
    """Fill the dialog that asks for a token."""
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_label("Keep on this device").set_checked(keep)
    page.get_by_role("button", name="Use token").click()


def test_the_scope_that_lacks_is_named_and_the_token_stays_in_memory(
    unfed: System, open_page: OpenPage
) -> None:
    page = open_page(unfed.page, expect="status of 40")
    expect(page.get_by_role("button", name="Token")).to_be_hidden()
    add(page, "nope-usd")
    asking = page.get_by_role("dialog").last
    expect(asking).to_contain_text("a key with the scope write:symbols")
    give(page, new_key(unfed, "read", "write:rules"))
    expect(asking).to_contain_text("This key does not have the scope write:symbols.")
    token = new_key(unfed, "write:symbols")
    give(page, token)
    expect(page.locator("#watch tr[data-symbol='NOPE-USD']")).to_be_visible()
    assert token not in page.evaluate(HELD)
    expect(page.get_by_role("button", name="Token")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name=re.compile("Theme"))).to_be_visible()
    expect(page.get_by_role("button", name="Token")).to_be_hidden()


def test_a_token_that_is_kept_on_the_device_is_there_until_it_is_forgotten(
    unfed: System, open_page: OpenPage
) -> None:
    page = open_page(unfed.page, expect="status of 40")
    add(page, "kept-usd")
    token = new_key(unfed, "write:symbols")
    give(page, token, keep=True)
    expect(page.locator("#watch tr[data-symbol='KEPT-USD']")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Token").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is kept on this device")
    other = page.context.new_page()
    other.goto(unfed.page)
    expect(other.get_by_role("button", name="Token")).to_be_visible()
    page.get_by_role("button", name="Forget token").click()
    for one in (page, other):
        expect(one.get_by_role("button", name="Token")).to_be_hidden()
        assert token not in one.evaluate(HELD)


def test_a_page_that_was_left_has_the_kept_token_alone(unfed: System, open_page: OpenPage) -> None:
    page = open_page(unfed.page, expect="status of 40")
    add(page, "left-usd")
    give(page, new_key(unfed, "write:symbols"))
    expect(page.get_by_role("button", name="Token")).to_be_visible()
    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    expect(page.get_by_role("button", name="Token")).to_be_hidden()
    page.reload()
    add(page, "held-usd")
    give(page, new_key(unfed, "write:symbols"), keep=True)
    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    expect(page.get_by_role("button", name="Token")).to_be_visible()


def test_tabs_follow_the_token_that_is_kept(unfed: System, open_page: OpenPage) -> None:
    page = open_page(unfed.page, expect="status of 40")
    add(page, "tabs-usd")
    give(page, new_key(unfed, "write:symbols"), keep=True)
    expect(page.get_by_role("button", name="Token")).to_be_visible()
    other = page.context.new_page()
    other.goto(unfed.page)
    expect(other.get_by_role("button", name="Token")).to_be_visible()
    other.evaluate("() => localStorage.setItem('ticktape.token', 'another')")
    other.evaluate("() => localStorage.removeItem('ticktape.token')")
    expect(page.get_by_role("button", name="Token")).to_be_hidden()


FOLLOWED = """() => {
  const [key, first] = ["ticktape.token", localStorage.getItem("ticktape.token")];
  const tell = (oldValue, newValue) =>
    dispatchEvent(new StorageEvent("storage", { key, oldValue, newValue }));
  const written = [];
  Storage.prototype.setItem = (name) => written.push(name);
  Storage.prototype.removeItem = (name) => written.push(name);
  tell(first, "another");
  tell("another", null);
  return [first, localStorage.getItem(key), ...written];
}"""


def test_a_tab_that_follows_another_writes_nothing(unfed: System, open_page: OpenPage) -> None:
    """A tab learns late what another one wrote: writing it again could undo a later change."""
    page = open_page(unfed.page, expect="status of 40")
    add(page, "follows-usd")
    token = new_key(unfed, "write:symbols")
    give(page, token, keep=True)
    button = page.get_by_role("button", name="Token")
    expect(button).to_be_visible()
    assert page.evaluate(FOLLOWED) == [token, token]
    expect(button).to_be_hidden()


def test_a_tab_that_forgets_its_own_token_leaves_another_that_is_kept(
    unfed: System, open_page: OpenPage
) -> None:
    page = open_page(unfed.page, expect="status of 40")
    add(page, "own-usd")
    give(page, new_key(unfed, "write:symbols"))
    button = page.get_by_role("button", name="Token")
    expect(button).to_have_attribute("title", re.compile("until this page is closed"))
    other = page.context.new_page()
    other.goto(unfed.page)
    other.evaluate("() => localStorage.setItem('ticktape.token', 'another')")
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text("It is held until this page is closed.")
    page.get_by_role("button", name="Forget token").click()
    expect(button).to_be_hidden()
    assert other.evaluate("() => localStorage.getItem('ticktape.token')") == "another"


def test_a_tab_without_a_token_gets_the_one_that_is_kept(
    unfed: System, open_page: OpenPage
) -> None:
    page = open_page(unfed.page)
    other = page.context.new_page()
    other.goto(unfed.page)
    other.evaluate("() => localStorage.setItem('ticktape.theme', 'dark')")
    other.evaluate("() => localStorage.setItem('ticktape.token', 'kept')")
    expect(page.get_by_role("button", name="Token")).to_be_visible()
    page.wait_for_function("() => localStorage.getItem('ticktape.token') === 'kept'")
    other.evaluate("() => localStorage.clear()")
    expect(page.get_by_role("button", name="Token")).to_be_hidden()


def test_a_reader_is_not_asked_for_what_needs_no_token(unfed: System, open_page: OpenPage) -> None:
    page = open_page(unfed.page)
    expect(page.get_by_role("tab", name=re.compile("Rules 5"))).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 900, 1440])
def test_the_top_has_room_for_the_button_that_forgets(
    unfed: System, open_page: OpenPage, width: int
) -> None:
    page = open_page(
        unfed.page,
        width=width,
        prepare=lambda page: page.add_init_script("localStorage.setItem('ticktape.token', 'x')"),
    )
    for name in (re.compile("Theme"), "Token"):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_in_viewport(ratio=0.9)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
