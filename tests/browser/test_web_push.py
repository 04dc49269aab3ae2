"""Web Push from the page's side: the button that subscribes, and what the service worker shows."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from rigs.running_system import System
from rigs.stand_in import TOPIC, StandIn
from tests.browser.conftest import OpenPage
from tests.browser.test_alerts_page import give_token, open_rules

ENDPOINT = "https://fcm.googleapis.com/fcm/send/nobody"
OWN = json.dumps({"id": "5f0c3a9b1d2e"})
UNLOADED = "Failed to load resource"
STUBBED = """() => {
  const given = { endpoint: %s, keys: %s };
  let now = null;
  PushManager.prototype.getSubscription = async () => now;
  PushManager.prototype.subscribe = async (options) => {
    window.subscribedWith = options;
    now = { toJSON: () => given, unsubscribe: async () => ((now = null), true) };
    return now;
  };
}"""
"""Chromium subscribes at Google's servers, which tests do not reach."""

WATCHED = """() => {
  const show = registration.showNotification.bind(registration);
  self.shown = new Promise((resolve, reject) => {
    registration.showNotification = async (...given) => show(...given).then(resolve, reject);
  });
}"""
"""Chromium deletes a notification that is asked for between being stored and being shown, so nobody
asks for any before the worker says that it is shown."""

FOUND = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const found = await registration.getNotifications();
  return found.map(({ title, body, tag, data }) => [title, body, tag, data]);
}"""
REGISTRATION = "registrationId"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def stub(page: Page) -> None:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = {
        "p256dh": b64(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
        "auth": b64(os.urandom(16)),
    }
    page.add_init_script(f"({STUBBED % (json.dumps(ENDPOINT), json.dumps(keys))})()")


def open_channels(page: Page) -> Locator:
    open_rules(page)
    page.get_by_role("button", name="Channels").click()
    return page.get_by_role("dialog", name="Channels")


def test_a_browser_becomes_a_channel_by_its_button_and_ends_by_it(
    unfed: System, open_in_full_browser: OpenPage
) -> None:
    page = open_in_full_browser(
        unfed.page, worker=True, prepare=stub, permissions=["notifications"], expect=UNLOADED
    )
    dialog = open_channels(page)
    dialog.get_by_role("button", name="Notify this device").click()
    give_token(page, unfed.token)
    device = dialog.locator("li", has_text="Chrome on Linux")
    expect(device).to_contain_text("Google push · On · default")
    key = page.evaluate("Array.from(window.subscribedWith.applicationServerKey)")
    assert (len(key), key[0]) == (65, 4)
    assert page.evaluate("window.subscribedWith.userVisibleOnly") is True
    stored = [one for one in unfed.get("/channels")["channels"] if one["kind"] == "web_push"]
    assert [one["default"] for one in stored] == [True]
    assert ENDPOINT not in json.dumps(stored)
    page.once("dialog", lambda asked: asked.accept())
    dialog.get_by_role("button", name="Stop on this device").click()
    expect(device).to_have_count(0)
    expect(dialog.get_by_role("button", name="Notify this device")).to_be_visible()
    assert (
        page.evaluate(
            "async () => (await navigator.serviceWorker.ready).pushManager.getSubscription()"
        )
        is None
    )


def delivered(page: Page, data: dict[str, str]) -> None:
    """Deliver a push message to the page's worker, as the browser does once it is decrypted."""
    session = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    origin = page.evaluate("location.origin")
    (registration,) = {one[REGISTRATION] for one in found if one["scopeURL"].startswith(origin)}
    given = {"origin": origin, REGISTRATION: registration, "data": json.dumps(data)}
    session.send("ServiceWorker.deliverPushMessage", given)


def test_the_worker_shows_an_alert_and_opens_its_story(
    unfed: System, open_in_full_browser: OpenPage
) -> None:
    page = open_in_full_browser(
        unfed.page, worker=True, permissions=["notifications"], expect=UNLOADED
    )
    page.evaluate("async () => void (await navigator.serviceWorker.ready)")
    alert = {"title": "AAPL crossed 200", "body": "Time: 16:00", "tag": "ab", "hash": "#symbol=B"}
    (worker,) = page.context.service_workers
    worker.evaluate(WATCHED)
    delivered(page, alert)
    worker.evaluate("() => shown")
    assert page.evaluate(FOUND) == [list(alert.values())]
    worker.evaluate("visit('#symbol=BOLT').catch(() => {})")  # as a click does
    page.wait_for_function("() => location.hash.includes('symbol=BOLT')")


def test_a_refused_permission_is_told(world: StandIn, open_page: OpenPage) -> None:
    world.rules = []

    def refuse(page: Page) -> None:
        page.add_init_script("Notification.requestPermission = async () => 'denied';")

    dialog = open_channels(open_page(world.page, prepare=refuse))
    dialog.get_by_role("button", name="Notify this device").click()
    expect(dialog.get_by_role("status")).to_have_text(
        "Notifications are not allowed. Allow them for this page in the browser's settings."
    )


def test_a_browser_without_push_says_so(world: StandIn, open_page: OpenPage) -> None:
    world.rules = []

    def without(page: Page) -> None:
        page.add_init_script("delete window.PushManager;")

    dialog = open_channels(open_page(world.page, prepare=without))
    expect(dialog.get_by_role("button", name="Notify this device")).to_be_disabled()
    expect(dialog).to_contain_text("This browser has no Web Push")


def test_before_the_channels_are_known_there_is_no_button(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = []

    def prepare(page: Page) -> None:
        page.route("**/channels", lambda route: route.abort())

    dialog = open_channels(open_page(world.page, prepare=prepare, expect=UNLOADED))
    expect(dialog.get_by_role("status")).to_have_text("The API does not answer.")
    expect(dialog.locator(".device")).to_be_hidden()


def test_an_ended_subscription_is_told_and_can_be_made_again(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = []
    ended = {
        **TOPIC,
        "channel_id": "5f0c3a9b1d2e",
        "name": "Chrome on Android",
        "kind": "web_push",
        "service": "Google push",
        "enabled": False,
        "ended": "the browser has ended its subscription (answered 410)",
    }

    def prepare(page: Page) -> None:
        page.add_init_script(
            "localStorage.setItem('ticktape.device', '{\"id\": \"5f0c3a9b1d2e\"}');"
        )
        page.route(
            "**/channels",
            lambda route: route.fulfill(
                json={"channels": [TOPIC, ended]}, headers={"Access-Control-Allow-Origin": "*"}
            ),
        )

    dialog = open_channels(open_page(world.page, prepare=prepare))
    device = dialog.locator("li", has_text="Chrome on Android")
    expect(device).to_contain_text("Ended: the browser has ended its subscription (answered 410)")
    expect(device.get_by_role("button", name="Switch on")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Notify this device")).to_be_enabled()


@pytest.mark.parametrize(
    ("stored", "kind", "button"),
    [
        (OWN, "apprise", "Notify this device"),
        ("null", "web_push", "Notify this device"),
        ("7", "web_push", "Notify this device"),
        (OWN, "web_push", "Stop on this device"),
    ],
)
def test_ids_that_another_program_stored_delete_no_channel(
    world: StandIn, open_page: OpenPage, stored: str, kind: str, button: str
) -> None:
    world.rules = []
    other = {**TOPIC, "channel_id": "5f0c3a9b1d2e", "name": "Of the house", "kind": kind}
    deleted = []

    def answer(route: Route) -> None:
        if route.request.method == "DELETE":
            deleted.append(route.request.url)
        allowed = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(json={"channels": [TOPIC, other]}, headers=allowed)

    def prepare(page: Page) -> None:
        page.add_init_script(f"localStorage.setItem('ticktape.device', {json.dumps(stored)});")
        page.route("**/channels", answer)
        page.route("**/channels/*", answer)

    dialog = open_channels(open_page(world.page, prepare=prepare))
    expect(dialog.locator("li")).to_have_count(2)
    expect(dialog.get_by_role("button", name=button)).to_be_visible()
    if button == "Stop on this device":
        asked: list[str] = []

        def dismiss(one: Dialog) -> None:
            asked.append(one.message)
            one.dismiss()

        dialog.page.once("dialog", dismiss)
        dialog.get_by_role("button", name=button).click()
        expect(dialog.get_by_role("button", name=button)).to_be_enabled()
        assert asked == ["Delete the channel Of the house?"]
    assert deleted == []
