// Opens and closes of every symbol over years: small charts side by side, or a table by year.

import { byId, el, setText } from "../dom.js";
import { ApiError } from "../api.js";
import { isHistoryComing } from "../data/waiting.js";
import { byYear, stretchOf } from "../data/compare.js";
import { formatDate, formatPercent, formatPrice, wayOf } from "../format.js";
import { drawOpenClose } from "./small_candles.js";

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("../types.js").Bar} Bar */

/** The API's period, its label and the bar size. @type {[string, string, string][]} */
const PERIODS = [
  ["1y", "1 year", "1wk"],
  ["2y", "2 years", "1mo"],
  ["5y", "5 years", "1mo"],
  ["max", "Everything", "1mo"],
];
const AT_ONCE = 3;
const FRESH = 120e3; // milliseconds after which the view reloads
const COMING = 10e3; // the same while a producer still sends history

export class HistoryView {
  /**
   * @param {Store} store
   * @param {import("../api.js").Api} api
   * @param {import("./chart_view.js").ChartView} chart
   */
  constructor(store, api, chart) {
    this.store = store;
    this.api = api;
    this.chart = chart;
    this.period = "2y";
    this.as = "charts";
    this.order = "symbol";
    /** @type {Map<string, Bar[]>} by symbol, for the chosen period */
    this.bars = new Map();
    this.problem = "";
    this.loaded = "";
    this.loadedAt = 0;
    this.heading = el("p.muted", { role: "status" });
    this.body = el("div.history-body");
    byId("history").append(this.#head(), this.heading, this.body);
    store.watch(["view", "symbols", "link"], () => this.update());
    store.watch(["theme"], () => requestAnimationFrame(() => this.render()));
    this.update();
  }

  get shown() {
    return this.store.state.view.page === "history";
  }

  #head() {
    const group = (
      /** @type {string} */ label,
      /** @type {[string, string][]} */ options,
      /** @type {() => string} */ now,
      /** @type {(value: string) => void} */ choose,
    ) => {
      const buttons = options.map(([value, text]) =>
        el(
          "button",
          { "aria-pressed": String(value === now()), onclick: () => press(value) },
          text,
        ),
      );
      const press = (/** @type {string} */ value) => {
        choose(value);
        options.forEach(([other], i) =>
          buttons[i].setAttribute("aria-pressed", String(other === value)),
        );
      };
      return el("div.segments", { role: "group", "aria-label": label }, ...buttons);
    };
    return el(
      "div.page-head",
      {},
      group(
        "Period",
        PERIODS.map(([value, label]) => [value, label]),
        () => this.period,
        (value) => {
          this.period = value;
          this.update();
        },
      ),
      group(
        "Order",
        [
          ["symbol", "By name"],
          ["change", "By change"],
        ],
        () => this.order,
        (value) => {
          this.order = value;
          this.render();
        },
      ),
      group(
        "Shown as",
        [
          ["charts", "Charts"],
          ["table", "Table"],
        ],
        () => this.as,
        (value) => {
          this.as = value;
          this.render();
        },
      ),
    );
  }

  update() {
    if (!this.shown) return;
    const key = this.period + this.store.state.symbols.map(({ symbol }) => symbol).join();
    const fresh = isHistoryComing(this.store.state.producer) ? COMING : FRESH;
    if (key === this.loaded && Date.now() - this.loadedAt < fresh) return;
    if (key !== this.loaded) this.bars = new Map();
    this.loaded = key;
    this.loadedAt = Date.now();
    this.problem = "";
    void this.#load(key);
  }

  /** Load AT_ONCE symbols at a time, until another key is loaded. @param {string} key */
  async #load(key) {
    const left = this.store.state.symbols.map(({ symbol }) => symbol);
    const interval = PERIODS.find(([value]) => value === this.period)?.[2] ?? "1mo";
    const work = async () => {
      for (
        let symbol = left.shift();
        symbol !== undefined && key === this.loaded;
        symbol = left.shift()
      ) {
        const { bars } = await this.api.bars(symbol, { period: this.period, interval, limit: 500 });
        if (key !== this.loaded) return;
        this.bars.set(symbol, bars);
        this.render();
      }
    };
    this.render();
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem = `Some symbols could not be loaded: ${error.message}`;
      this.loaded = "";
    }
    this.render();
  }

  /** @returns {[string, Bar[]][]} in the chosen order */
  get ordered() {
    const entries = this.store.state.symbols.map(
      ({ symbol }) => /** @type {[string, Bar[]]} */ ([symbol, this.bars.get(symbol) ?? []]),
    );
    if (this.order === "symbol") return entries.sort(([a], [b]) => (a < b ? -1 : 1));
    const change = (/** @type {Bar[]} */ bars) => stretchOf(bars)?.change ?? -Infinity;
    return entries.sort(([, a], [, b]) => change(b) - change(a));
  }

  render() {
    if (!this.shown) return;
    const total = this.store.state.symbols.length;
    const all = [...this.bars.values()].filter((bars) => bars.length);
    const since = all.length ? formatDate(Math.min(...all.map((bars) => bars[0].time)), "UTC") : "";
    const shownOf = `Open and close of ${total} symbols`;
    const done = since ? `${shownOf} since ${since}` : shownOf;
    setText(
      this.heading,
      this.problem || (this.bars.size === total ? done : `Loading ${this.bars.size} of ${total} …`),
    );
    this.body.replaceChildren(
      this.as === "table"
        ? this.#table()
        : el("div.cards", {}, ...this.ordered.map(([symbol, bars]) => this.#card(symbol, bars))),
    );
    if (this.as === "table") return;
    const shown = this.ordered;
    this.body
      .querySelectorAll("canvas")
      .forEach((canvas, i) => drawOpenClose(canvas, shown[i][1], this.chart.colors));
  }

  /** @param {string} symbol */
  #open(symbol) {
    this.store.setView({
      page: "chart",
      symbol,
      range: this.period === "1y" ? "1Y" : "Max",
      interval: "auto",
    });
  }

  /** @param {string} symbol @param {Bar[]} bars */
  #card(symbol, bars) {
    const stretch = stretchOf(bars);
    return el(
      "button.card",
      { onclick: () => this.#open(symbol) },
      el(
        "span.card-head",
        {},
        el("b", {}, symbol),
        el("span", { "data-way": wayOf(stretch?.change) }, formatPercent(stretch?.change)),
      ),
      el("canvas", { "aria-hidden": "true" }),
      el(
        "span.card-foot",
        {},
        el("span", {}, "Open ", el("b", {}, formatPrice(stretch?.open))),
        el("span", {}, "Close ", el("b", {}, formatPrice(stretch?.close))),
      ),
    );
  }

  #table() {
    const rows = this.ordered.map(([symbol, bars]) => ({ symbol, years: byYear(bars) }));
    const years = [...new Set(rows.flatMap(({ years: list }) => [...list.keys()]))].sort();
    const head = el(
      "tr",
      {},
      el("th", { scope: "col" }, "Symbol"),
      ...years.flatMap((year) =>
        ["open", "close", "change"].map((what) => el("th", { scope: "col" }, `${year} ${what}`)),
      ),
    );
    const body = rows.map(({ symbol, years: list }) =>
      el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          el("button.button.quiet", { onclick: () => this.#open(symbol) }, symbol),
        ),
        ...years.flatMap((year) => {
          const one = list.get(year);
          return [
            el("td", {}, formatPrice(one?.open)),
            el("td", {}, formatPrice(one?.close)),
            el("td", { "data-way": wayOf(one?.change) }, formatPercent(one?.change)),
          ];
        }),
      ),
    );
    return el(
      "div.table-scroll",
      { tabIndex: 0, role: "region", "aria-label": "Open and close by year" },
      el("table.grid-table", {}, el("thead", {}, head), el("tbody", {}, ...body)),
    );
  }
}
