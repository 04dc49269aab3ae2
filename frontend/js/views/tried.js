// What a rule would have done: how often it would have fired, the returns that followed, and the
// curve of one simple way to trade it, beside buying and holding.

import { busy, el } from "../dom.js";
import { curvePaths, firesText, spreadsOf, tradingText } from "../data/previewed.js";
import { formatDate, formatPercent } from "../format.js";
import { RANGES } from "../ranges.js";
import { isOnChart, previewRule, usualRange } from "../rule_previews.js";

/** @typedef {import("../rule_previews.js").Context} Context */
/** @typedef {import("../rule_previews.js").Asked} Asked */
/** @typedef {import("../data/previewed.js").Previewed} Previewed */

/** The most parts of a preview that one click requests. */
const MOST_PARTS = 5;

const [WIDTH, HEIGHT] = [600, 120];
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, any>} attributes @param {...Node} children */
function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {number} value what 1 grew to @returns {string} "+12.30%" */
const growth = (value) => formatPercent(100 * (value - 1));

/** @param {any} backtest @param {number[]} times of signals @returns {Node[]} none without bars */
function curve({ curve: points, rule, hold }, times) {
  if (points.length < 2) return [];
  const { one, low, high, ...paths } = curvePaths(points, times, WIDTH, HEIGHT);
  const line = (/** @type {string} */ kind, /** @type {string} */ d) =>
    svg("path", { class: `curve-${kind}`, d });
  const [byRule, byHolding] = [rule, hold].map((one) => formatPercent(one.return_percent));
  const drawn = svg(
    "svg",
    {
      viewBox: `0 -4 ${WIDTH} ${HEIGHT + 8}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Return: the rule ${byRule}, buy and hold ${byHolding}`,
    },
    line("one", `M0 ${one}H${WIDTH}`),
    line("hold", paths.hold),
    line("rule", paths.rule),
    line("fires", paths.fires),
  );
  const key = (/** @type {string} */ kind, /** @type {string} */ label) =>
    el("span", {}, el(`i.key.key-${kind}`), label);
  const day = (/** @type {any} */ point) => formatDate(Date.parse(point.timestamp), "UTC");
  return [
    el(
      "p.curve-keys",
      {},
      key("rule", `The rule ${byRule}`),
      key("hold", `Buy and hold ${byHolding}`),
      key("fires", "Signals"),
    ),
    el(
      "div.curve",
      {},
      el("small.curve-high", {}, growth(high)),
      drawn,
      el("small", {}, growth(low)),
    ),
    el("p.curve-days", {}, el("small", {}, day(points[0])), el("small", {}, day(points.at(-1)))),
  ];
}

/** @param {any} backtest @returns {Node} */
function spreads(backtest) {
  const heads = ["", "Signals", "Mean", "Lowest", "Highest", "Median", "Deviation", "Above 0"];
  const cells = (/** @type {any} */ one) => [
    String(one.count),
    ...[one.mean, one.lowest, one.highest, one.median].map(formatPercent),
    one.deviation == null ? "–" : `${one.deviation.toFixed(2)}%`,
    `${Math.round(100 * one.share_above_zero)}%`,
  ];
  const rows = spreadsOf(backtest).map(({ name, spread }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      ...cells(spread).map((text) => el("td", {}, text)),
    ),
  );
  const head = heads.map((text) => (text ? el("th", { scope: "col" }, text) : el("td")));
  return el(
    "div.spreads",
    { tabIndex: 0, role: "group", "aria-label": "What followed the signals" },
    el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)),
  );
}

/** @param {Previewed} found @returns {Node[]} what followed the signals; empty without signals */
export function followed({ times, backtest, from }) {
  if (!times.length || !backtest?.bars) return [];
  const since = from && formatDate(Date.parse(from), "UTC");
  return [
    ...(since ? [el("p", {}, `The figures below cover the prices from ${since} on.`)] : []),
    spreads(backtest),
    ...curve(backtest, times),
    el("p", {}, tradingText(backtest)),
    el(
      "details.caveats",
      { open: true },
      el("summary", {}, "Caveats"),
      el("ul", {}, ...backtest.caveats.map((/** @type {string} */ text) => el("li", {}, text))),
    ),
  ];
}

/**
 * @param {Context} context @param {Asked} rule @param {Previewed} found
 * @param {string} range of the preview
 * @returns {Node[]} a line that says where its marks are, with a button if the chart's range is
 *   shorter
 */
export function markedLine(context, rule, found, range) {
  const { store } = context;
  const { symbol } = store.state.view;
  if (!found.times.length) return [];
  if (rule.symbol !== "*" && rule.symbol !== symbol)
    return [el("p", {}, `The chart shows ${symbol}, so nothing is marked.`)];
  if (isOnChart(context, rule, found)) return [el("p", {}, "★ Marked on the chart.")];
  const show = () => {
    store.setView({ page: "chart", range, interval: "auto" });
    line.replaceChildren("★ Marked on the chart.");
  };
  const line = el(
    "p",
    {},
    "★ Marked on the chart; some lie before its range. ",
    el("button.button.small-text", { onclick: show }, `Chart ${RANGES[range].label}`),
  );
  return [line];
}

/** Fields of the API's `backtest`: name, label, default. @type {[string, string, number][]} */
const COSTS = [
  ["hold_bars", "Bars held", 20],
  ["fee_percent", "Fee, %", 0.1],
  ["slippage_percent", "Slippage, %", 0.05],
];

/**
 * @param {() => void} changed
 * @returns {{node: HTMLElement, given: () => Record<string, number>}} given: the API's `backtest`
 */
function costFields(changed) {
  const inputs = COSTS.map(
    ([, , usual]) =>
      /** @type {HTMLInputElement} */ (
        el("input.input", { type: "number", step: "any", value: usual, onchange: changed })
      ),
  );
  const rows = COSTS.map(([, label], i) => el("label", {}, el("span", {}, label), inputs[i]));
  const node = el(
    "details.costs",
    {},
    el("summary", {}, "Trading assumptions"),
    el("div", {}, ...rows),
  );
  const given = () =>
    Object.fromEntries(COSTS.map(([field], i) => [field, inputs[i].valueAsNumber]));
  return { node, given };
}

/** @typedef {{asked: number, rule: Asked, range: string, backtest: any}} Question */

export class Tried {
  /** Number of the newest request; only its answer is shown. */
  asked = 0;
  /** @type {{question: Question, found: Previewed} | null} */
  shown = null;

  /**
   * @param {Context} context
   * @param {() => Asked} rule returns the form's rule; throws an Error for an invalid one
   */
  constructor(context, rule) {
    this.context = context;
    this.rule = rule;
    const first = usualRange(context, rule());
    this.range = /** @type {HTMLSelectElement} */ (
      el(
        "select",
        { "aria-label": "Range of the preview", onchange: () => void this.show() },
        ...Object.entries(RANGES).map(([key, { label }]) =>
          el("option", { value: key, selected: key === first }, `Over ${label}`),
        ),
      )
    );
    const look = el(
      "button.button",
      { onclick: () => void busy(look, "Looking …", () => this.show()) },
      "Preview on chart",
    );
    this.costs = costFields(() => this.again());
    this.said = el("p", { role: "status" });
    this.rest = el(
      "button.button.small-text",
      { hidden: true, onclick: () => void busy(this.rest, "Looking …", () => this.#more()) },
      "Preview the rest",
    );
    this.body = el("div.followed");
    this.node = el(
      "section.tried.wide",
      { "aria-label": "Preview" },
      el("div.panel-tools", {}, look, this.range),
      this.costs.node,
      this.said,
      this.rest,
      this.body,
    );
  }

  /** Choose the interval's usual range, until a preview is requested. @param {string} interval */
  follow(interval) {
    if (!this.asked) this.range.value = usualRange(this.context, { interval });
  }

  /** Show the preview of the changed rule, if one has been requested. */
  again() {
    if (this.asked) void this.show();
  }

  async show() {
    const asked = (this.asked += 1);
    this.node.classList.add("waiting");
    try {
      await this.#part({
        asked,
        rule: this.rule(),
        range: this.range.value,
        backtest: this.costs.given(),
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (asked !== this.asked) return;
      this.said.textContent = error.message;
      this.rest.hidden = true;
      this.body.replaceChildren();
    } finally {
      if (asked === this.asked) this.node.classList.remove("waiting");
    }
  }

  /**
   * Preview a part of a range, and show all parts so far.
   * @param {Question} question
   * @param {Previewed} [before] the parts so far
   */
  async #part(question, before) {
    const { asked, rule, range, backtest } = question;
    const found = await previewRule(this.context, rule, range, { backtest, before });
    if (asked !== this.asked) return;
    this.shown = { question, found };
    this.rest.hidden = !found.next;
    this.said.textContent = firesText(found, range, rule.trigger);
    this.body.replaceChildren(...markedLine(this.context, rule, found, range), ...followed(found));
  }

  /** Continue a preview that has stopped before the end of its range. */
  async #more() {
    const { asked } = this;
    try {
      for (let parts = 0; parts < MOST_PARTS && asked === this.asked; parts += 1) {
        if (!this.shown?.found.next) return;
        await this.#part(this.shown.question, this.shown.found);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (asked === this.asked) this.said.textContent += ` ${error.message}`;
    }
  }
}
