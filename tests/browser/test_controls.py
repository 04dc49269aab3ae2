"""Every control answers a press at once, whatever the API does: no button looks dead."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from rigs.chart_reading import wait_for_chart
from rigs.stand_in import StandIn
from tests.browser.conftest import OpenPage

RULE = {
    "rule_id": "mine",
    "symbol": "ACME",
    "condition": "crossing_up",
    "value": 150,
    "interval": "tick",
    "trigger": "once",
    "enabled": True,
    "notify": True,
}

PRESS_ALL = """async ([start, within]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const shown = (node) => node.checkVisibility({ visibilityProperty: true });
  const isChosen = (node) => node.closest('.segments') && ['aria-pressed', 'aria-selected',
    'aria-current'].some((name) => ['true', 'page'].includes(node.getAttribute(name)));
  const isRepeated = (node) => node.closest('.signals') &&
    [...node.closest('.signals').querySelectorAll('button')].indexOf(node) > 1;
  const controls = () =>
    [...document.querySelectorAll('button, tr[data-symbol][aria-selected=false]')]
      .filter((node) => node.closest(within) && shown(node))
      .filter((node) => !isChosen(node) && !isRepeated(node));
  const told = ['busy', 'expanded', 'selected', 'current', 'sort'].map((name) => `aria-${name}`);
  const seen = (pressed) => [...document.querySelectorAll('body *')]
    .filter((node) => shown(node) && !node.closest('.age'))
    .map((node) => [node.tagName, node.value, node.checked, node.style.transform, node.className,
      ...[...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data),
      ...told.map((name) => node.getAttribute(name)),
      // of a lone button the pressed look alone would not be enough
      node !== pressed || node.closest('.segments, .list, .signals')
        ? node.getAttribute('aria-pressed') : null].join('|')).join();
  const back = async () => {
    const loads = (node) => node.textContent === '…';  // the module of a dialog
    const busy = () => [...document.querySelectorAll('[aria-busy=true]')].some(loads);
    for (let i = 0; i < 6000 && busy(); i += 1) await frame();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    document.querySelectorAll('dialog').forEach((one) => one.close());
    document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
    document.querySelector('.storm[aria-expanded=true]')?.click();
    if (location.hash !== start) {
      const changed = new Promise((heard) => addEventListener('hashchange', heard, { once: true }));
      location.hash = start;
      await changed;
    }
    for (let i = 0; i < 3; i += 1) await frame();
  };
  const dead = [];
  let pressed = 0;
  const press = async (node) => {
    const name = node.getAttribute('aria-label') || node.textContent.trim();
    if (node.disabled) return node.title || dead.push(`${name}: disabled without a reason`);
    const before = seen(node);
    node.click();
    await frame();
    await frame();
    pressed += 1;
    if (seen(node) === before) dead.push(name);
  };
  await back();
  for (let i = 0; i < controls().length; i += 1) {
    const node = controls()[i];
    await press(node);
    const menu = node.closest('.menu')?.querySelector('.menu-list:not([hidden])');
    for (const item of menu?.querySelectorAll('button') ?? [])
      if (!isChosen(item)) await press(item);
    await back();
  }
  return [dead, pressed];
}"""
"""Presses everything within a selector that can be pressed, each time from the view of a hash:
those buttons of a choice that are not chosen, and the first two of the listed crosses. Answers with
what two frames later shows nothing new, or is disabled without a reason; and with how many were
pressed."""


def test_every_control_shows_at_once_that_it_was_pressed(
    world: StandIn, open_page: OpenPage
) -> None:
    world.rules = [RULE]
    world.stopped_at = world.now()
    world.symbols = ["ACME", "BOLT", "CRUX"]
    for _ in range(3):
        world.fire("ACME", "golden_cross", sma_5=2, sma_20=1)
    world.fire("BOLT", "change_percent", value=5, change_percent=5.25)
    page = open_page(
        world.page,
        prepare=lambda page: page.add_init_script("localStorage.setItem('ticktape.token', 'x')"),
    )
    wait_for_chart(page)
    expect(page.locator("#panel-alerts .entry")).to_have_count(2, timeout=60_000)
    expect(page.get_by_role("tab", name="Rules")).to_be_visible(timeout=60_000)
    page.locator("#watch canvas[data-points]").last.wait_for()
    polls = re.compile(r"/quotes\?|/symbols$|/prices/.*start=")
    page.route(  # from here on the API answers polls alone
        lambda url: url.startswith(world.api) and not polls.search(url), lambda route: None
    )
    start = "#symbol=ACME"
    of_chart, first = page.evaluate(PRESS_ALL, [start, "body"])
    page.get_by_role("tab", name="Rules").click()
    of_rules, second = page.evaluate(PRESS_ALL, [start, "#activity"])
    comparison = f"{start}&view=compare&with=BOLT"
    of_comparison, third = page.evaluate(PRESS_ALL, [comparison, ".top, .stage, #watch"])
    assert [of_chart, of_rules, of_comparison] == [[], [], []]
    assert first > 25
    assert second >= 4  # the other tab, mutes and both entries
    assert third > 15
