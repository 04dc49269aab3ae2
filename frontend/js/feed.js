// The rhythm of the page: one /quotes request a poll for the whole list, and one small /prices request for the open
// symbol. Pauses while the page is hidden, catches up on return, backs off when the API does not answer.

import { ApiError } from "./api.js";
import { makeSeries, mergeBars, pollFrom } from "./data/series.js";
import { LEAD_BARS, MAX_BARS, rangeParameters } from "./ranges.js";

/** @typedef {import("./store.js").Store} Store */

const SYMBOLS_EVERY = 15; // polls between two looks at the list of symbols
const LONGEST_WAIT = 30; // seconds between two attempts

/** @param {number} failures in a row, at least 1 @param {number} poll seconds @returns {number} seconds until the next attempt */
export const backoff = (failures, poll) => Math.min(LONGEST_WAIT, Math.max(1, poll) * 2 ** (failures - 1));

export class Feed {
  /** @param {import("./api.js").Api} api @param {Store} store @param {number} pollSeconds */
  constructor(api, store, pollSeconds) {
    this.api = api;
    this.store = store;
    this.pollSeconds = pollSeconds;
    this.polls = 0;
    this.failures = 0;
    this.timer = 0;
    this.running = false;
    this.mayAsk = true;
    /** Asks the reader for a token; whether one was given. @type {() => Promise<boolean>} */
    this.askForToken = async () => false;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.wake()));
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.#report("offline", "This device is offline."));
  }

  /** Poll now because the reader asked to. */
  retry() {
    this.mayAsk = true;
    this.wake();
  }

  /** Poll now, and go on from there. */
  wake() {
    clearTimeout(this.timer);
    if (!this.running && !document.hidden) void this.#poll();
  }

  #pause() {
    clearTimeout(this.timer);
    this.#report("paused", "");
  }

  async #poll() {
    this.running = true;
    const began = performance.now();
    let wait = this.pollSeconds;
    try {
      if (this.polls++ % SYMBOLS_EVERY === 0) await this.#symbols();
      await Promise.all([this.#quotes(), this.#newest()]);
      this.failures = 0;
      if (!document.hidden) this.store.set({ link: { state: "live", retryAt: 0, answeredAt: Date.now(), reason: "" } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.polls = 0;
      if (error.isRefusal && (await this.#newToken())) return;
      this.failures += 1;
      wait = Math.max(error.retryAfter, backoff(this.failures, this.pollSeconds));
      this.#report(navigator.onLine ? "retrying" : "offline", error.message, Date.now() + wait * 1000);
    } finally {
      this.running = false;
      clearTimeout(this.timer);
      if (!document.hidden) this.timer = window.setTimeout(() => this.#poll(), Math.max(50, wait * 1000 - (this.failures ? 0 : performance.now() - began)));
    }
  }

  /** @returns {Promise<boolean>} whether the reader gave one; asked once, and again when the reader wants to */
  async #newToken() {
    if (!this.mayAsk) return false;
    this.mayAsk = false;
    return this.askForToken();
  }

  /** @param {import("./types.js").Link["state"]} state @param {string} reason @param {number} [retryAt] */
  #report(state, reason, retryAt = 0) {
    this.store.set({ link: { ...this.store.state.link, state, reason, retryAt } });
  }

  async #symbols() {
    const symbols = await this.api.symbols();
    const known = this.store.state.symbols;
    if (JSON.stringify(known) !== JSON.stringify(symbols)) this.store.set({ symbols });
  }

  async #quotes() {
    const wanted = this.store.state.symbols.map(({ symbol }) => symbol);
    for (let i = 0; i < wanted.length; i += 100) this.#take(await this.api.quotes(wanted.slice(i, i + 100)));
  }

  /** @param {import("./types.js").Quote[]} quotes */
  #take(quotes) {
    const next = new Map(this.store.state.quotes);
    for (const quote of quotes) {
      const old = next.get(quote.symbol);
      if (!old || quote.time >= old.time) next.set(quote.symbol, quote);
    }
    this.store.set({ quotes: next });
  }

  /** Newer bars of the open symbol; a reader who meanwhile chose another symbol is not disturbed by the answer. */
  async #newest() {
    const series = this.store.state.series;
    if (!series?.bars.length || series.range === "custom") return;
    const query = { interval: series.interval, start: new Date(pollFrom(series)).toISOString(), limit: MAX_BARS };
    const { bars } = await this.api.bars(series.symbol, query);
    const now = this.store.state.series;
    if (!now || now.symbol !== series.symbol || now.range !== series.range || now.interval !== series.interval) return;
    this.store.set({ series: mergeBars(now, bars) });
  }
}

// Loads the open symbol's bars when the symbol, the range or the bar size changes, then the bars before them.

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
