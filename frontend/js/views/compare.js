// Compares several symbols in percent from a common start. Loaded on first use.

import { byId, disable, el, setText } from "../dom.js";
import { ApiError } from "../api.js";
import { axisTicks } from "../chart/axis.js";
import { MARGIN } from "../chart/panes.js";
import { alignPercent, lastOf } from "../data/compare.js";
import { loaded, plotly } from "../chart/plotly.js";
import { formatBarTime, formatPercent, wayOf } from "../format.js";
import { MAX_BARS, isDated, rangeParameters } from "../ranges.js";

/** @typedef {import("../store.js").Store} Store */

const MOST = 8;
const RELOAD = 20e3; // milliseconds
const CONFIG = { scrollZoom: true, displayModeBar: false, showTips: false, responsive: false };

export class CompareView {
  /**
   * @param {Store} store
   * @param {import("../api.js").Api} api
   * @param {import("./chart_view.js").ChartView} chart
   */
  constructor(store, api, chart) {
    this.store = store;
    this.api = api;
    this.chart = chart;
    /** @type {{symbol: string, bars: import("../types.js").Bar[], interval: string}[]} */
    this.series = [];
    this.revision = 0;
    this.legend = el("div.legend");
    this.plot = el("div.compare-plot");
    this.message = el("p.hint", { role: "status" });
    this.choice = /** @type {HTMLSelectElement} */ (
      el("select", {
        "aria-label": "Add a symbol to the comparison",
        onchange: () => this.add(this.choice.value),
      })
    );
    byId("compare").append(
      el("div.page-head", {}, this.legend, this.choice, this.message),
      this.plot,
    );
    store.watch(["view", "symbols"], () => this.update());
    store.watch(["quotes"], () => this.follow());
    store.watch(["theme"], () => requestAnimationFrame(() => this.draw()));
    new ResizeObserver(() => this.draw()).observe(this.plot);
    setInterval(() => !document.hidden && this.shown && void this.load(), RELOAD);
    this.update();
  }

  get shown() {
    return this.store.state.view.page === "compare";
  }

  /** @returns {string[]} the open symbol first, then the others */
  get symbols() {
    const { symbol, compare } = this.store.state.view;
    return [...new Set([symbol, ...compare])].filter(Boolean).slice(0, MOST);
  }

  /** @param {string} symbol */
  add(symbol) {
    if (symbol) this.store.setView({ compare: [...this.store.state.view.compare, symbol] });
  }

  update() {
    if (!this.shown) return;
    const { view, symbols } = this.store.state;
    const free = symbols
      .map(({ symbol }) => symbol)
      .filter((symbol) => !this.symbols.includes(symbol));
    const full = this.symbols.length >= MOST;
    this.choice.replaceChildren(
      el("option", { value: "" }, full ? `${MOST} at most` : "Add a symbol"),
      ...free.map((symbol) => el("option", { value: symbol }, symbol)),
    );
    disable(this.choice, full ? `At most ${MOST} symbols can be compared: remove one first` : "");
    const key = [...this.symbols, view.range, view.start, view.end].join();
    if (key === this.key) return;
    this.key = key;
    this.series = this.series.filter(({ symbol }) => this.symbols.includes(symbol));
    const missing = this.symbols.filter(
      (symbol) => !this.series.some((one) => one.symbol === symbol),
    );
    setText(this.message, missing.length ? `Loading ${missing.join(", ")} …` : "Loading prices …");
    this.draw();
    void this.load();
  }

  key = "";

  /** Load all symbols with the bar size that the API chooses for the first one. */
  async load() {
    const key = this.key;
    const [first, ...others] = this.symbols;
    if (!first) return;
    try {
      const range = { ...rangeParameters(this.store.state.view), limit: MAX_BARS, sort: "desc" };
      const main = await this.api.bars(first, { ...range, interval: "auto" });
      const interval = main.envelope.interval;
      const rest = await Promise.all(
        others.map((symbol) => this.api.bars(symbol, { ...range, interval })),
      );
      if (key !== this.key) return;
      this.series = [main, ...rest].map(({ envelope, bars }) => ({
        symbol: envelope.symbol,
        interval,
        bars: bars.reverse(),
      }));
      this.revision += this.loaded === key ? 0 : 1;
      this.loaded = key;
      setText(this.message, "");
      this.draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.message, `The prices could not be loaded. ${error.message}`);
    }
  }

  loaded = "";

  /** Move the ends of the lines to the newest prices. */
  follow() {
    if (!this.shown || !this.series.length || this.store.state.view.range === "custom") return;
    const { quotes } = this.store.state;
    this.series = this.series.map((one) => {
      const quote = quotes.get(one.symbol);
      const last = one.bars.at(-1);
      if (!quote || !last || quote.time < last.time || quote.price === last.close) return one;
      return { ...one, bars: [...one.bars.slice(0, -1), { ...last, close: quote.price }] };
    });
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!this.shown || !this.series.length || !width) return;
    if (!plotly()) return this.#await();
    const aligned = alignPercent(this.series);
    const dated = isDated(this.series[0].interval);
    const zone = this.chart.zone;
    const { data, layout } = compareFigure(aligned, {
      colors: this.chart.colors,
      zone,
      dated,
      width,
      revision: String(this.revision),
    });
    plotly().react(this.plot, data, { ...layout, width, height }, CONFIG);
    this.#renderLegend(
      aligned,
      aligned.times.length ? `since ${formatBarTime(aligned.times[0], zone, dated)}` : "",
    );
  }

  /** Draw once the chart's library has loaded. */
  #await() {
    if (this.plot.textContent) return;
    this.plot.textContent = "The chart's library is loading …";
    void loaded.then(() => {
      this.plot.textContent = "";
      this.draw();
    });
  }

  /** @param {ReturnType<typeof alignPercent>} aligned @param {string} since */
  #renderLegend({ lines }, since) {
    const { symbol: main } = this.store.state.view;
    const remove = (/** @type {string} */ symbol) =>
      this.store.setView({
        compare: this.store.state.view.compare.filter((other) => other !== symbol),
      });
    const key = lines.map(({ symbol }) => symbol).join() + main;
    if (this.legend.dataset.key !== key) {
      this.legend.dataset.key = key;
      this.legend.replaceChildren(
        ...lines.map(({ symbol }) =>
          el(
            "span.chip",
            {},
            el("span.key"),
            el("b", {}, symbol),
            el("span.value"),
            symbol !== main &&
              el(
                "button.button.quiet.small",
                { "aria-label": `Remove ${symbol}`, onclick: () => remove(symbol) },
                "×",
              ),
          ),
        ),
        el("span.muted.since"),
      );
    }
    lines.forEach(({ values }, i) => {
      const [key, , value] = /** @type {HTMLCollectionOf<HTMLElement>} */ (
        this.legend.children[i].children
      );
      key.style.background = this.chart.colors[LINE_ROLES[i % LINE_ROLES.length]];
      setText(value, legendText(values));
      value.dataset.way = wayOf(lastOf(values));
    });
    setText(this.legend.children[lines.length], since);
  }
}

/** Colours of the lines, by their role in the theme; from the fifth line on dashes differ, too. */
const LINE_ROLES = ["fast", "slow", "ema", "up", "down", "vwap", "band", "text"];
const DASHES = ["solid", "solid", "solid", "solid", "dash", "dash", "dash", "dot"];

/**
 * @param {ReturnType<typeof import("../data/compare.js").alignPercent>} aligned
 * @param {{colors: Record<string, string>, zone: string, dated: boolean, width: number, revision:
 *   string}} choices
 */
function compareFigure({ times, lines }, { colors, zone, dated, width, revision }) {
  const x = times.map((_, i) => i);
  const data = lines.map(({ symbol, values }, i) => ({
    type: "scatter",
    mode: "lines",
    name: symbol,
    x,
    y: values,
    connectgaps: true,
    hovertemplate: `${symbol} %{y:+.2f}%<extra></extra>`,
    line: {
      color: colors[LINE_ROLES[i % LINE_ROLES.length]],
      width: i ? 1.5 : 2.25,
      dash: DASHES[i % DASHES.length],
    },
  }));
  const range = [-0.5, x.length - 0.5 + x.length * 0.02];
  const ticks = axisTicks(
    times,
    0,
    [range[0], range[1]],
    Math.max(2, Math.floor(width / 88)),
    zone,
    dated,
  );
  const font = { color: colors.muted, size: 11 };
  const layout = {
    uirevision: revision,
    margin: MARGIN,
    showlegend: false,
    dragmode: "pan",
    hovermode: "x",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", ...font },
    hoverlabel: { bgcolor: colors.surface, bordercolor: colors.grid, font: { color: colors.text } },
    xaxis: {
      type: "linear",
      range,
      gridcolor: colors.grid,
      zeroline: false,
      tickmode: "array",
      tickvals: ticks.map((t) => t.index),
      ticktext: ticks.map((t) => t.label),
      tickangle: 0,
      tickfont: font,
    },
    yaxis: {
      side: "right",
      fixedrange: true,
      gridcolor: colors.grid,
      zerolinecolor: colors.muted,
      zerolinewidth: 1,
      ticksuffix: "%",
      tickfont: font,
    },
  };
  return { data, layout };
}

/** @param {(number | null)[]} values */
const legendText = (values) => formatPercent(lastOf(values));
