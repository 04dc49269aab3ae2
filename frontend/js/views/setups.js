// The gallery of set-ups: each is previewed on the open symbol, and armed as a rule with one click
// or edited first. Loaded on first use.

import { busy, disable, el, setText } from "../dom.js";
import { firesText, returnsText } from "../data/previewed.js";
import { previewRule, usualRange } from "../rule_previews.js";
import { withStyles } from "../styles.js";
import { openDialog } from "./dialog.js";
import { followed, markedLine } from "./tried.js";
import { withToken } from "./token_dialog.js";
import { editRule } from "./rule_editor.js";

/** @typedef {import("../rule_previews.js").Context} Context */
/** @typedef {{name: string, about: string, interval: string, when: string}} Setup */

/** @param {Context} context @param {string} symbol */
export async function openSetups(context, symbol) {
  const [answer] = await Promise.all([
    fetch("setups.json").catch(() => null),
    withStyles("css/formula.css"),
  ]);
  /** @type {Setup[]} */
  const setups = answer?.ok ? await answer.json() : [];
  const entries = setups.map((one) => new Entry(context, symbol, one, () => dialog.close()));
  const { dialog, closed } = openDialog(`Set-ups for ${symbol}`, [
    el(
      "p",
      {},
      setups.length
        ? "Each is tried on the prices as stored now. Symbols that failed are rarely among those " +
            "that you follow, and polled prices miss extremes. This is not advice."
        : "The set-ups could not be loaded.",
    ),
    el("ul.list.setups", {}, ...entries.map(({ node }) => node)),
  ]);
  dialog.classList.add("beside");
  previewVisible(entries, closed);
}

/**
 * Preview the entries that come into view, one at a time, until the dialog is closed.
 * @param {Entry[]} entries @param {Promise<unknown>} closed
 */
function previewVisible(entries, closed) {
  let last = Promise.resolve();
  let isOpen = true;
  const observer = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      const entry = entries.find(({ node }) => node === target);
      if (!isIntersecting || !entry) continue;
      observer.unobserve(target);
      last = last.then(() => (isOpen ? entry.summarize() : undefined));
    }
  });
  for (const { node } of entries) observer.observe(node);
  void closed.then(() => {
    isOpen = false;
    observer.disconnect();
  });
}

class Entry {
  /**
   * @param {Context} context @param {string} symbol @param {Setup} setup
   * @param {() => void} close of the dialog
   */
  constructor(context, symbol, setup, close) {
    const { name, about, interval, when } = setup;
    this.context = context;
    this.close = close;
    this.rule = {
      symbol,
      condition: "when",
      when,
      interval,
      trigger: "every_time",
      enabled: true,
      notify: true,
    };
    this.summary = el("p.setup-summary", {}, "…");
    this.said = el("p", { role: "status" });
    this.body = el("div.followed");
    this.arm = this.#button(name, "Arm", () => this.#arm());
    this.node = el(
      "li",
      {},
      el("strong", {}, name),
      el("p", {}, about),
      el("code", {}, when),
      this.summary,
      el(
        "div.panel-tools",
        {},
        this.arm,
        this.#button(name, "Preview", () => this.#preview()),
        this.#button(name, "Edit", async () => this.#edit()),
      ),
      this.said,
      this.body,
    );
  }

  /** @param {string} name @param {string} label @param {() => Promise<void>} act */
  #button(name, label, act) {
    const node = el(
      "button.button",
      {
        "aria-label": `${label}: ${name}`,
        onclick: () => void busy(node, "…", () => this.#tell(act)),
      },
      label,
    );
    return node;
  }

  /** @param {() => Promise<void>} act */
  async #tell(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.said.textContent = error.message;
    }
  }

  /** @returns {string} the preview's range, a key of RANGES */
  get range() {
    return usualRange(this.context, this.rule);
  }

  /** Say in one line what the set-up would have done, and whether it is armed as a rule. */
  async summarize() {
    try {
      const found = await previewRule(this.context, this.rule, this.range, { marks: false });
      const after = found.times.length && found.backtest ? returnsText(found.backtest) : "";
      setText(this.summary, `${firesText(found, this.range)} ${after}`);
      const rules = this.context.store.state.rules ?? [];
      const { symbol, interval } = this.rule;
      const isArmed = rules.some(
        (rule) =>
          rule.enabled &&
          rule.when === found.when?.text &&
          rule.symbol === symbol &&
          rule.interval === interval,
      );
      if (isArmed) this.#armed();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      setText(this.summary, error.message);
    }
  }

  async #preview() {
    const found = await previewRule(this.context, this.rule, this.range);
    setText(this.summary, "");
    this.said.textContent = firesText(found, this.range);
    this.body.replaceChildren(
      ...markedLine(this.context, this.rule, found, this.range),
      ...followed(found),
    );
  }

  async #arm() {
    await withToken("write:rules", () => this.context.api.createRule(this.rule));
    await this.context.saved();
    this.said.textContent = "Armed.";
    this.#armed();
  }

  #armed() {
    this.arm.textContent = "Armed";
    disable(this.arm, "A rule of this symbol already has this condition");
  }

  #edit() {
    this.close();
    void editRule(this.context, this.rule);
  }
}
