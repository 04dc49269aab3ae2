// Loads a chart's bars when its symbol, range or bar size changes, then the bars before them, and
// newer bars when the feed polls.

import { ApiError } from "./api.js";
import { makeSeries, mergeBars, pollFrom, withHistory } from "./data/series.js";
import { LEAD_BARS, MAX_BARS, isDated, rangeParameters } from "./ranges.js";

/** @typedef {import("./store.js").Store} Store */

/** Milliseconds of a pause after which the chart is reloaded instead of updated bar by bar. */
const AWAY = 60e3;

export class Loader {
  /** @param {import("./api.js").Api} api @param {Store} store */
  constructor(api, store) {
    this.api = api;
    this.store = store;
    this.abort = new AbortController();
    /** @type {import("./types.js").Quote | undefined} the quote when bars were last requested */
    this.drawn = undefined;
    this.following = false; // whether push.js is requesting newer bars
    /** @type {import("./types.js").Bar | null} the symbol's running bar, as pushed */
    this.running = null;
    store.when(
      ({ series }) => [series?.symbol, series?.interval].join(),
      () => (this.running = null),
    );
    store.when(
      ({ view: { symbol, range, interval, start, end } }) =>
        [symbol, range, interval, start, end].join(),
      () => void this.load(),
    );
    let leftAt = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) leftAt = Date.now();
      else if (Date.now() - leftAt > AWAY) void this.load();
    });
  }

  /** Load the view's series, and abort a load in progress. */
  async load() {
    if (!this.store.state.view.symbol) return;
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.store.set({ chartState: "loading", chartProblem: "" });
    try {
      const series = await this.#series(signal);
      if (isOneDay(series, this.store.state.view)) return this.store.setView({ range: "1Y" });
      this.store.set({ series, chartState: series.bars.length ? "ready" : "empty" });
      if (series.bars.length) await this.#lead(series, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.store.set({
        chartState: error.status === 404 ? "empty" : "error",
        chartProblem: error.message,
      });
    }
  }

  /** Load the view's series again and merge it into the drawn one. Throws ApiError. */
  async refresh() {
    if (!this.store.state.view.symbol) return;
    this.abort = new AbortController();
    const { signal } = this.abort;
    try {
      const found = await this.#series(signal);
      const { series: drawn, chartState } = this.store.state;
      const series = drawn && chartState === "ready" ? withHistory(drawn, found) : found;
      this.store.set({ series, chartState: series.bars.length ? "ready" : "empty" });
      if (series.bars.length && series.lead.length < this.#leadBars)
        await this.#lead(series, signal);
    } catch (error) {
      if (!signal.aborted) this.#missing(error);
    }
  }

  /**
   * Load new bars if the symbol's quote has changed. Throws ApiError.
   * @param {boolean} whole load all bars, since older ones may have arrived as well
   * @param {boolean} anyway load new bars even if the quote has not changed
   */
  async poll(whole, anyway) {
    const { chartState, series, symbols, view } = this.store.state;
    const hasPrices = symbols.some(({ symbol, seen }) => seen && symbol === view.symbol);
    if (chartState === "loading" || (chartState === "empty" && !hasPrices)) return;
    if (whole || chartState !== "ready" || !series?.bars.length) await this.refresh();
    else if (series.range !== "custom" && (this.#isNews(series) || anyway))
      await this.follow(series);
  }

  /** Show why a poll failed; throw errors that concern all charts. @param {unknown} error */
  failed(error) {
    const isOwn = error instanceof ApiError && error.status && !error.retryAfter;
    if (!isOwn || error.isRefusal) throw error;
    this.store.set({ chartState: "error", chartProblem: error.message });
  }

  /**
   * @param {import("./types.js").Series} series
   * @returns {boolean} whether its symbol's quote has changed or is missing in the list
   */
  #isNews({ symbol }) {
    const before = this.drawn;
    this.drawn = this.store.state.quotes.get(symbol);
    return !this.drawn || this.drawn !== before;
  }

  /**
   * Load newer bars; discard them if another series is open by then. Throws ApiError.
   * @param {import("./types.js").Series} series
   */
  async follow(series) {
    const query = {
      interval: series.interval,
      start: new Date(pollFrom(series)).toISOString(),
      limit: MAX_BARS,
    };
    try {
      const { bars } = await this.api.bars(series.symbol, query);
      const now = this.store.state.series;
      if (isOf(series, now)) this.store.set({ series: mergeBars(now, bars) });
    } catch (error) {
      if (isOf(series, this.store.state.series)) this.#missing(error);
    }
  }

  /** Clear the chart if its symbol has no prices; throw other errors. @param {unknown} error */
  #missing(error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    this.forget();
  }

  /** Clear the chart. A restarted system, for example, may have no prices of the symbol. */
  forget() {
    this.store.set({ series: null, chartState: "empty" });
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<import("./types.js").Series>} the view's series
   */
  async #series(signal) {
    const { view } = this.store.state;
    const query = {
      ...rangeParameters(view),
      interval: view.interval,
      limit: MAX_BARS,
      sort: "desc",
    };
    const { envelope, bars } = await this.api.bars(view.symbol, query, signal);
    return makeSeries(
      envelope,
      bars.reverse(),
      view.range,
      this.store.state.quotes.get(view.symbol)?.zone ?? "UTC",
    );
  }

  /** @returns {number} bars that the longest indicator needs before the drawn ones */
  get #leadBars() {
    return Math.min(MAX_BARS, Math.max(LEAD_BARS, this.store.state.averages.slow));
  }

  /** @param {import("./types.js").Series} series @param {AbortSignal} signal */
  async #lead(series, signal) {
    const query = {
      interval: series.interval,
      end: new Date(series.bars[0].time).toISOString(),
      sort: "desc",
      limit: this.#leadBars,
    };
    const { bars } = await this.api.bars(series.symbol, query, signal);
    const now = this.store.state.series;
    if (isOf(series, now) && bars.length && bars.length !== now.lead.length)
      this.store.set({ series: { ...now, lead: bars.reverse() } });
  }
}

/**
 * @param {import("./types.js").Series} series @param {import("./types.js").View} view
 * @returns {boolean} whether the view is one day of a symbol with only daily bars: one candle
 */
const isOneDay = (series, view) =>
  view.range === "1D" && view.interval === "auto" && isDated(series.interval);

/**
 * @param {import("./types.js").Series} one @param {import("./types.js").Series | null} other
 * @returns {other is import("./types.js").Series} whether both have the same symbol, range and bar
 *   size
 */
const isOf = (one, other) =>
  other?.symbol === one.symbol && other.range === one.range && other.interval === one.interval;
