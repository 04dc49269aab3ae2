// Lists the rules: their state, distance from firing, and actions.

import { busy, el } from "../dom.js";
import {
  TRIGGERS,
  conditionWay,
  distanceText,
  ruleAtPrice,
  ruleBody,
  ruleText,
} from "../data/conditions.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../types.js").Rule} Rule */
/** @typedef {import("../store.js").Store} Store */

/** @param {Rule} rule the body of a PUT: the rule without the fields that the API adds */
const bodyOf = (rule) => ({
  ...ruleBody({
    ...rule,
    cooldown: (rule.cooldown_seconds ?? 0) / 60,
    expires: rule.expires_at ?? "",
  }),
});

export class RulesPanel {
  /**
   * @param {Store} store
   * @param {import("../api.js").Api} api
   * @param {import("../alerts_feed.js").AlertsFeed} feed
   */
  constructor(store, api, feed) {
    this.store = store;
    this.context = { api, store, saved: () => feed.rules() };
    this.list = el("ul.list", { "aria-label": "Rules" });
    this.problem = el("p.hint.problem", { role: "alert" });
    const add = el(
      "button.button.primary",
      { onclick: () => void busy(add, "…", () => this.create()) },
      "New rule",
    );
    const onChart = el("button.button", { onclick: () => this.#pickOnChart() }, "Set on the chart");
    const channels = el(
      "button.button",
      { onclick: () => void busy(channels, "…", () => this.#openChannels(api)) },
      "Channels",
    );
    const setups = el(
      "button.button",
      { onclick: () => void busy(setups, "…", () => this.#openSetups()) },
      "Set-ups",
    );
    this.node = el(
      "div.scroll",
      {},
      el("div.panel-tools", {}, add, onChart, setups, channels),
      this.problem,
      this.list,
      el("p.hint", {}, "Rules are evaluated on polled or streamed prices, not on every trade."),
    );
  }

  /** @param {number} [value] the initial price, by default the last one */
  create(value) {
    const { view, quotes } = this.store.state;
    const last = quotes.get(view.symbol)?.price;
    return this.edit(ruleAtPrice(view.symbol, value ?? last, last));
  }

  /** @param {import("../api.js").Api} api */
  #openChannels(api) {
    return this.#whenLoaded(import("./channels.js"), ({ openChannels }) => {
      void openChannels(api);
    });
  }

  #openSetups() {
    const { symbol } = this.store.state.view;
    return this.#whenLoaded(import("./setups.js"), ({ openSetups }) =>
      openSetups(this.context, symbol),
    );
  }

  /** @param {Partial<Rule>} rule */
  edit(rule) {
    return this.#whenLoaded(import("./rule_editor.js"), ({ editRule }) =>
      editRule(this.context, rule),
    );
  }

  /**
   * Open a dialog once its module has loaded, or say that it could not be loaded.
   * @template Module
   * @param {Promise<Module>} loading @param {(module: Module) => unknown} open may be async
   */
  async #whenLoaded(loading, open) {
    this.problem.textContent = "";
    try {
      await open(await loading);
    } catch {
      this.problem.textContent = "The dialog could not be loaded. Try again.";
    }
  }

  #pickOnChart() {
    this.store.setView({ page: "chart" });
    this.store.set({ picking: true });
  }

  /** @param {() => Promise<any>} write */
  async #change(write) {
    this.problem.textContent = "";
    try {
      await withToken("write:rules", write);
      await this.context.saved();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.problem.textContent = error.message;
    }
  }

  /** @param {Rule} rule @returns {Promise<boolean>} whether it was deleted */
  confirmDelete(rule) {
    return openDialog("Delete this rule?", [el("p", {}, `${rule.symbol}: ${ruleText(rule)}`)], {
      submit: "Delete",
      onsubmit: async () => {
        await withToken("write:rules", () => this.context.api.deleteRule(rule.rule_id));
        await this.context.saved();
      },
    }).closed;
  }

  /** @param {Rule} rule */
  #item(rule) {
    const quote = this.store.state.quotes.get(
      rule.symbol === "*" ? this.store.state.view.symbol : rule.symbol,
    );
    const state = rule.enabled ? "Armed" : "Off";
    const button = (/** @type {string} */ label, /** @type {() => void} */ act) =>
      el(
        "button.button.quiet",
        {
          onclick: act,
          "aria-label": `${label}: ${rule.symbol} ${ruleText(rule)}`,
        },
        label,
      );
    const said = el("small.wide", { role: "status" });
    const change = () =>
      this.#change(() =>
        this.context.api.replaceRule(rule.rule_id, { ...bodyOf(rule), enabled: !rule.enabled }),
      );
    const toggle = button(
      rule.enabled ? "Switch off" : "Arm",
      () => void busy(toggle, rule.enabled ? "Switching off …" : "Arming …", change),
    );
    const preview = button(
      "Preview",
      () => void busy(preview, "Looking …", () => this.#show(rule, said)),
    );
    const edit = button("Edit", () => void busy(edit, "…", () => this.edit(rule)));
    const controls = [toggle, edit, preview];
    if (!rule.default) controls.push(button("Delete", () => void this.confirmDelete(rule)));
    const judged = rule.interval === "tick" ? "every tick" : `${rule.interval} bars`;
    const about = [
      rule.symbol === "*" ? "All symbols" : rule.symbol,
      TRIGGERS[rule.trigger] ?? rule.trigger,
      judged,
      rule.cooldown_seconds ? `at most one in ${rule.cooldown_seconds / 60} min` : "",
      rule.notify ? "" : "recorded only",
    ]
      .filter(Boolean)
      .join(" · ");
    return el(
      "li",
      {},
      el(
        rule.enabled ? "div.entry" : "div.entry.off",
        {},
        el("span.what.wide", { "data-way": conditionWay(rule.condition) }, ruleText(rule)),
        el("small.wide", {}, about),
        el("small", {}, rule.default ? `${state} · default` : state),
        el("small.end.distance", {}, distanceText(rule, quote)),
        said,
        el("div.controls", {}, ...controls),
      ),
    );
  }

  /** @param {Rule} rule @param {HTMLElement} said the element for the answer */
  async #show(rule, said) {
    said.textContent = "";
    try {
      const { previewText } = await import("../rule_previews.js");
      said.textContent = await previewText(this.context, bodyOf(rule));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      said.textContent = error.message;
    }
  }

  /**
   * Update the distances, which change with every poll; replace the list only if rules changed.
   */
  render() {
    const rules = this.store.state.rules ?? [];
    const key = JSON.stringify(rules) + this.store.state.view.symbol;
    if (key !== this.key) {
      this.key = key;
      this.list.replaceChildren(...rules.map((rule) => this.#item(rule)));
      return;
    }
    rules.forEach((rule, i) => {
      const quote = this.store.state.quotes.get(
        rule.symbol === "*" ? this.store.state.view.symbol : rule.symbol,
      );
      const node = this.list.children[i]?.querySelector(".distance");
      const text = distanceText(rule, quote);
      if (node && node.textContent !== text) node.textContent = text;
    });
  }

  key = "";
}
