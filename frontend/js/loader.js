// Loads the open symbol's bars when the symbol, the range or the bar size changes, then the bars before them.

import { ApiError } from "./api.js";
import { makeSeries } from "./data/series.js";
import { LEAD_BARS, MAX_BARS, rangeParameters } from "./ranges.js";

/** @typedef {import("./store.js").Store} Store */

export class Loader {
  /** @param {import("./api.js").Api} api @param {Store} store */
  constructor(api, store) {
    this.api = api;
    this.store = store;
    this.abort = new AbortController();
  }

  /** Load what the view names; an earlier load that has not come back is dropped. */
  async load() {
    const { view, quotes } = this.store.state;
    if (!view.symbol) return;
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.store.set({ chartState: "loading", chartProblem: "" });
    try {
      const query = { ...rangeParameters(view), interval: view.interval, limit: MAX_BARS, sort: "desc" };
      const { envelope, bars } = await this.api.bars(view.symbol, query, signal);
      const series = makeSeries(envelope, bars.reverse(), view.range, quotes.get(view.symbol)?.zone ?? "UTC");
      this.store.set({ series, chartState: series.bars.length ? "ready" : "empty" });
      if (series.bars.length) await this.#lead(series, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.store.set({ chartState: error.status === 404 ? "empty" : "error", chartProblem: error.message });
    }
  }

  /** @param {import("./types.js").Series} series @param {AbortSignal} signal */
  async #lead(series, signal) {
    const query = { interval: series.interval, end: new Date(series.bars[0].time).toISOString(), sort: "desc", limit: LEAD_BARS };
    const { bars } = await this.api.bars(series.symbol, query, signal);
    const now = this.store.state.series;
    if (now?.symbol === series.symbol && now.range === series.range && now.interval === series.interval && bars.length) this.store.set({ series: { ...now, lead: bars.reverse() } });
  }
}
