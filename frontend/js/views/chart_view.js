// Connects the store and the chart: decides what is drawn and when, and follows the pointer.

import { byId } from "../dom.js";
import { judgedRange, placeOf } from "../chart/judged.js";
import { PriceChart } from "../chart/chart.js";
import { computeIndicators } from "../data/indicator_table.js";
import { barAt } from "../data/series.js";
import { chartColors, onPreference } from "../theme.js";
import { formatBarTime, formatPrice, formatVolume, ownZone, placesOf, wayOf } from "../format.js";
import { isDated } from "../ranges.js";
import { mountReadout } from "./readout.js";
import { mountWaiting } from "./waiting.js";
import { bindPointer } from "./chart_pointer.js";

/** @typedef {import("../store.js").Store} Store */

/** Least milliseconds between redraws for live prices; the price line follows every poll. */
const COMMIT_EVERY = 1000;

export class ChartView {
  /** @param {Store} store @param {HTMLElement} section with the elements of index.html's #chart */
  constructor(store, section) {
    this.store = store;
    this.section = section;
    const part = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (section.querySelector(`.${name}`));
    this.chart = new PriceChart(part("plot"), part("overlay"));
    this.readout = mountReadout(part("readout"), this);
    this.colors = chartColors();
    this.committedAt = 0;
    /** The drawn series. @type {import("../types.js").Series | null} */
    this.committed = null;
    this.timer = 0;
    /** @type {import("../data/indicator_table.js").Computed} */
    this.computed = { lines: {}, crosses: [] };
  }

  /** @returns {string} IANA time zone of the labels */
  get zone() {
    const { view, series } = this.store.state;
    return view.clock === "local" ? ownZone() : (series?.zone ?? "UTC");
  }

  /** @returns {number} decimals of this symbol's prices */
  get places() {
    const bars = this.store.state.series?.bars;
    return bars?.length ? placesOf(bars[bars.length - 1].close) : 2;
  }

  /** @returns {number | null} the drawn symbol's price: its quote's, else the last bar's close */
  get last() {
    const { series, quotes } = this.store.state;
    return (series && quotes.get(series.symbol)?.price) ?? series?.bars.at(-1)?.close ?? null;
  }

  commit() {
    clearTimeout(this.timer);
    this.timer = 0;
    const { series, view, symbolAlerts, preview, chartState, averages, judged } = this.store.state;
    if (!series?.bars.length || view.page !== "chart" || chartState === "empty") return;
    this.committedAt = performance.now();
    this.committed = series;
    this.computed = computeIndicators(series, view.indicators, averages);
    const events = symbolAlerts.filter((alert) => alert.symbol === series.symbol);
    const choices = {
      type: view.type,
      indicators: view.indicators,
      averages,
      zone: this.zone,
      colors: this.colors,
      events,
      preview,
      judged,
    };
    this.readout.render(); // first, since the plot begins below it
    this.chart.show(series, this.computed, choices, view.from ? [view.from, view.to] : null);
    this.chart.dispatchEvent(new Event("committed"));
  }

  /** Draw at most once per COMMIT_EVERY, for live prices. */
  commitSoon() {
    if (this.timer) return;
    const wait = Math.max(0, COMMIT_EVERY - (performance.now() - this.committedAt));
    this.timer = window.setTimeout(() => this.commit(), wait);
  }

  /** Move the price line to the last price. */
  movePrice() {
    const { series, quotes } = this.store.state;
    const quote = series && quotes.get(series.symbol);
    const last = series?.bars.at(-1);
    const price = this.last;
    this.chart.crosshair.setPrice(
      series?.range === "custom" ? null : price,
      formatPrice(price, this.places),
      wayOf(quote?.change ?? (last ? last.close - last.open : 0)),
    );
  }

  /** Show the line at the alert that the reader selected. */
  showFocus() {
    const { series, focus } = this.store.state;
    const here =
      series &&
      focus &&
      focus.symbol === series.symbol &&
      series.bars.length &&
      focus.time >= series.bars[0].time;
    this.chart.crosshair.setFocus(here ? placeOf(series, focus.time) : null);
  }

  /**
   * Show the crosshair through all panes, with the bar's time and the value of the pane.
   * @param {number} px @param {number} py pixels in the plot's container
   * @returns {number | null} the index there, null outside of the panes
   */
  showCross(px, py) {
    return this.chart.crosshair.showCross(
      px,
      py,
      (index) => this.timeText(index),
      (value, axis) =>
        axis === "y2"
          ? formatVolume(value)
          : formatPrice(value, axis === "y" ? this.places : undefined),
    );
  }

  /** Show a bar in the readout. @param {number | null} index on the axis; null: the last bar */
  point(index) {
    this.readout.show(index);
    this.chart.dispatchEvent(new CustomEvent("pointed", { detail: index }));
  }

  /** @param {number} index on the axis @returns {number | null} its bar's start in milliseconds */
  timeOf(index) {
    const { series } = this.store.state;
    return (series && barAt(series, index)?.time) ?? null;
  }

  /** @param {number} index on the axis */
  timeText(index) {
    const { series } = this.store.state;
    const time = this.timeOf(index);
    return series && time !== null ? formatBarTime(time, this.zone, isDated(series.interval)) : "";
  }
}

/** @typedef {import("../types.js").Series | null} Shown */

/** @param {Shown} a @param {Shown} b @returns {boolean} whether they differ at most by new ticks */
const sameBars = (a, b) =>
  a?.symbol === b?.symbol &&
  a?.range === b?.range &&
  a?.interval === b?.interval &&
  a?.lead.length === b?.lead.length;

/** @param {Store} store @param {HTMLElement} [section] @returns {ChartView} */
export function mountChart(store, section = byId("chart")) {
  const view = new ChartView(store, section);
  const renderMessage = mountWaiting(store, section);
  store.watch(["view", "preview"], () => view.commit());
  store.watch(["symbolAlerts"], () => view.commitSoon());
  /** @type {unknown} the last revealed event: revealing it again would undo the reader's zoom */
  let revealed = null;
  store.watch(["focus", "series"], ({ focus, series }) => {
    if (focus && focus !== revealed && focus.symbol === series?.symbol) {
      revealed = focus;
      view.chart.reveal(focus.time);
    }
    view.showFocus();
  });
  /** @type {unknown} the last `judged` that the chart has zoomed to */
  let seen = null;
  store.watch(["judged", "series", "chartState"], ({ judged, series, chartState }) => {
    if (judged === seen || chartState !== "ready" || !series) return;
    seen = judged;
    view.commit();
    const range = judgedRange(series, judged);
    if (range) view.chart.zoomOn(range);
  });
  store.watch(["series", "chartState"], ({ series }) => {
    if (!sameBars(series, view.committed)) view.commit();
    else if (series !== view.committed) view.commitSoon();
    renderMessage();
  });
  store.watch(["quotes"], () => view.movePrice());
  store.watch(["link", "view", "producer"], renderMessage);
  store.when(
    ({ theme }) => theme,
    () => requestAnimationFrame(() => recolor(view)),
  );
  onPreference(() => recolor(view));
  view.chart.addEventListener("drawn", () => {
    view.movePrice();
    view.showFocus();
  });
  view.chart.addEventListener("zoom", (event) => {
    const times = /** @type {CustomEvent<[number, number] | null>} */ (event).detail;
    store.setView({ from: times?.[0] ?? 0, to: times?.[1] ?? 0 });
  });
  new ResizeObserver(() => view.chart.fit()).observe(view.chart.node);
  bindPointer(view);
  renderMessage();
  return view;
}

/** @param {ChartView} view */
function recolor(view) {
  view.colors = chartColors();
  view.commit();
}
