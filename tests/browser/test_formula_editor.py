"""The editor of formulas and the gallery of set-ups, against the real system."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, Page, Route, expect

from rigs.chart_reading import wait_for_chart, wait_for_trace
from rigs.running_system import System
from tests.browser.conftest import OpenPage
from tests.browser.npm_tools import npm_file
from tests.browser.test_alerts_page import give_token, open_rules
from tests.browser.test_layout import audit


def open_editor(page: Page) -> Locator:
    """Open the editor with a formula on days, and return its text area."""
    wait_for_chart(page)
    open_rules(page)
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Condition").select_option("when")
    page.get_by_label("Evaluated on").select_option("1d")
    page.get_by_label("Fires").select_option("every_time")
    formula = page.get_by_label("True when")
    formula.click()
    return formula


def delete_rule(page: Page, rule: Locator) -> None:
    """Delete a rule of the list."""
    rule.get_by_role("button", name=re.compile("Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(rule).to_have_count(0)


def test_a_preview_that_stopped_early_is_continued(system: System, open_page: OpenPage) -> None:
    page = open_page(system.page)
    following: dict[str | None, str | None] = {None: "second", "second": "third", "third": None}

    def answer_in_three_parts(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if not body.get("backtest"):  # the check of a formula
            route.continue_()
            return
        token = following[body.pop("page_token", None)]
        response = route.fetch(post_data=json.dumps(body))
        part = {"complete": token is None, "next_page_token": token}
        route.fulfill(response=response, json=response.json() | part)

    page.route("**/rules/preview", answer_in_three_parts)
    open_editor(page).fill("close > highest(20)[1]")
    page.get_by_role("button", name="Preview on chart").click()
    tried = page.get_by_role("region", name="Preview")
    said, rest = tried.get_by_role("status"), tried.get_by_role("button", name="Preview the rest")
    expect(said).to_contain_text("Not all of the range was tried.")
    once = fires_said(said)
    rest.click()
    expect(said).not_to_contain_text("Not all of the range was tried.")
    assert fires_said(said) == 3 * once > 0
    expect(rest).to_be_hidden()
    expect(tried).to_contain_text("The figures below cover the prices from")


def fires_said(said: Locator) -> int:
    """Return how often a rule would have fired, as a preview says."""
    found = re.search(r"fired (\d+) time", said.text_content() or "")
    return int(found[1]) if found else 0


def test_formula_is_completed_by_keyboard_and_its_faults_are_underlined(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 40")
    formula = open_editor(page)
    options = page.get_by_role("listbox", name="Completions").get_by_role("option")
    formula.press_sequentially("cros")
    expect(options).to_have_count(0)
    formula.fill("")
    page.wait_for_function("() => document.activeElement.tagName === 'TEXTAREA'")
    formula.press_sequentially("macd")
    expect(options).to_have_count(3)
    formula.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    active = formula.get_attribute("aria-activedescendant")
    assert active == options.nth(1).get_attribute("id")
    formula.press("Escape")
    expect(options).to_have_count(0)
    formula.fill("")
    formula.press_sequentially("rs")
    expect(options).to_have_count(1)
    formula.press("Enter")
    expect(formula).to_have_value("rsi(14)")
    formula.press_sequentially("2) < 10 and highst(20) < 3")
    expect(formula).to_have_value("rsi(2) < 10 and highst(20) < 3")
    fault = page.get_by_text("Column 17: 'highst' is not allowed; did you mean highest?")
    expect(fault).to_be_visible()
    expect(page.locator(".formula-mirror mark")).to_have_text("highst")
    expect(formula).to_have_attribute("aria-invalid", "true")
    expect(formula).to_have_accessible_description(re.compile("did you mean highest"))
    formula.fill("rsi(2) < 10 and highest(20) < 3")
    expect(page.get_by_text(re.compile("^Needs .* days of 1d bars"))).to_be_visible()
    expect(formula).to_have_attribute("aria-invalid", "false")
    formula.press_sequentially(" or cl")
    expect(options.first).to_contain_text("close")
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []


def test_formula_is_written_as_a_tree_previewed_and_armed(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 40")
    formula = open_editor(page)
    formula.fill("close > highest(20)[1]")
    page.get_by_role("button", name="Tree", exact=True).click()
    expect(formula).to_have_value(re.compile(r'^\{\n  "op": "above"'))
    tree = formula.input_value()
    formula.fill(tree.replace('"highest"', '"highst"'))
    expect(page.get_by_text(re.compile(r"^Line 4, column \d+: .*did you mean"))).to_be_visible()
    formula.fill(tree.replace("20", "10,,"))
    expect(page.get_by_text(re.compile("allowed: a name in double quotes"))).to_be_visible()
    formula.fill(tree.replace("20", "10"))
    page.get_by_role("button", name="Preview on chart").click()
    tried = page.get_by_role("region", name="Preview")
    expect(tried).to_contain_text(re.compile(r"It would have fired \d+ times in 5 years"))
    expect(tried.get_by_role("rowheader")).to_have_text(
        [f"After {bars}" for bars in ("1 bar", "5 bars", "20 bars")]
        + [f"{best} until the next" for best in ("Best", "Worst")]
    )
    expect(
        tried.get_by_role("img", name=re.compile("Return: the rule .*, buy and hold"))
    ).to_be_visible()
    expect(tried).to_contain_text("symbols that failed meanwhile are not among the results")
    tried.get_by_text("Trading assumptions").click()
    tried.get_by_label("Bars held").fill("5")
    tried.get_by_label("Bars held").press("Tab")
    expect(tried).to_contain_text("sold 5 bars later")
    fires = page.get_by_role("combobox", name="Fires")
    fires.select_option("once")
    expect(tried).to_contain_text("It would have fired 1 time in 5 years")
    tried.get_by_role("button", name="Chart 5 years").click()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(formula).to_have_value("close > highest(10)[1]")
    fires.select_option("every_time")
    expect(tried).to_contain_text(re.compile(r"It would have fired \d+ times"))
    before = tried.text_content()
    formula.fill("close > highest(100)[1]")
    expect(tried).not_to_have_text(before or "")
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
    page.get_by_role("button", name="Create").click()
    give_token(page, system.token)
    wait_for_trace(page, "would have fired")
    mine = page.locator("#panel-rules li", has_text="close > highest(100)[1]")
    expect(mine).to_have_count(1)
    delete_rule(page, mine)


def test_set_ups_are_previewed_on_the_shown_symbol_and_armed_with_one_click(
    system: System, open_page: OpenPage
) -> None:
    page = open_page(system.page, expect="status of 40")
    wait_for_chart(page)
    open_rules(page)
    page.get_by_role("button", name="Set-ups").click()
    shown = page.get_by_role("dialog").get_by_role("listitem").filter(has=page.locator("code"))
    expect(shown).to_have_count(20)
    expect(shown.first).to_contain_text(re.compile("It would (not )?have fired"))
    breakout = shown.filter(has_text="close > highest(20)[1]").first
    breakout.scroll_into_view_if_needed()
    expect(breakout).to_contain_text(re.compile(r"have fired \d+ times in 5 years"))
    breakout.get_by_role("button", name="Preview").click()
    expect(breakout.get_by_role("row")).to_have_count(6)
    assert audit(page, npm_file("axe-core/axe.min.js").read_text()) == []
    breakout.get_by_role("button", name="Arm").click()
    give_token(page, system.token)
    expect(breakout.get_by_role("status")).to_have_text("Armed.")
    expect(breakout.get_by_role("button", name=re.compile("^Arm"))).to_be_disabled()
    page.get_by_role("button", name="Close", exact=True).click()
    mine = page.locator("#panel-rules li", has_text="close > highest(20)[1]")
    expect(mine).to_have_count(1)
    mine.get_by_role("button", name=re.compile("Edit")).click()
    formula = page.get_by_label("True when")
    expect(formula).to_have_value("close > highest(20)[1]")
    formula.fill("close > highest(55)[1]")
    page.get_by_role("button", name="Save").click()
    changed = page.locator("#panel-rules li", has_text="close > highest(55)[1]")
    expect(changed).to_have_count(1)
    delete_rule(page, changed)
