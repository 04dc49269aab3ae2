// Polls the API: one /quotes request per poll for the whole list, and one small /prices request for
// each chart when the quote of its symbol has changed. The API reports the interval between prices,
// and the page polls at that interval. While there is no symbol, or no price of the open one, each
// poll requests whatever could bring the first price. Pauses while the page is hidden; backs off
// when the API fails. While prices are pushed (push.js), polls only after a gap or a long silence.

import { ApiError } from "./api.js";
import {
  backoff,
  isHistoryComing,
  isWaiting,
  pace,
  rest,
  patienceWithPush,
} from "./data/waiting.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./loader.js").Loader} Loader */

const SYMBOLS_EVERY = 15; // polls between updates of the symbol list, once everything has arrived
const HEALTH_EVERY = 10; // polls between requests for the producer's status and lag
const BEHIND_EVERY = 3; // polls between these requests while something lags
const BARS_EVERY = 20; // polls after which bars are requested even if the quote has not changed
const SETTLING = 15; // polls that request list and history after either changed
const HISTORY_EVERY = 3; // polls between requests for history during SETTLING
const SOON = 1000; // milliseconds between polls for prices that were not pushed

export class Feed {
  /**
   * @param {import("./api.js").Api} api
   * @param {Store} store
   * @param {number} pollSeconds
   * @param {Loader} loader
   */
  constructor(api, store, pollSeconds, loader) {
    this.api = api;
    this.store = store;
    this.loaders = [loader]; // one for each chart
    this.pollSeconds = pollSeconds;
    this.polls = 0;
    this.settledAt = 0; // the poll from which list and history count as complete
    this.expected = 0; // seconds between prices
    this.unchanged = 0; // consecutive polls without news
    this.failures = 0;
    this.unlisted = ""; // why the list of symbols could not be fetched
    this.timer = 0;
    this.running = false;
    this.asking = false;
    this.mayAsk = true; // whether a refusal asks the reader for a token
    this.pushed = false;
    this.missed = () => {}; // called when a poll finds a price that should have been pushed
    this.began = 0; // when the last poll began, in milliseconds of the page's clock
    this.hurried = false; // whether the next poll must not be postponed
    /** @type {(refusal: ApiError) => Promise<boolean>} asks for a token: whether one was given */
    this.askForToken = async () => false;
    document.addEventListener("visibilitychange", () =>
      document.hidden ? this.#pause() : this.wake(),
    );
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.#report("offline", "This device is offline."));
  }

  /** Poll now at the reader's request. */
  retry() {
    this.mayAsk = true;
    this.wake();
  }

  /** Poll now unless the page is hidden. */
  wake() {
    clearTimeout(this.timer);
    if (!this.running && !document.hidden) void this.#poll();
  }

  /** Poll now, or a second after the previous poll began. */
  soon() {
    if (this.hurried) return;
    this.hurried = true;
    if (!this.running) this.#after(this.began + SOON - performance.now());
  }

  /** Fetch the list of symbols with the next poll. */
  relist() {
    this.polls = 0;
  }

  /** Put off the next poll after a push. @param {boolean} isMissing whether to poll soon instead */
  heard(isMissing) {
    this.unchanged = 0;
    if (isMissing) this.soon();
    else if (this.pushed && !this.running && !this.hurried && !this.failures)
      this.#after(patienceWithPush(this.expected, 0) * 1000);
  }

  /** @param {number} milliseconds */
  #after(milliseconds) {
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = window.setTimeout(() => this.#poll(), milliseconds);
  }

  #pause() {
    clearTimeout(this.timer);
    this.store.set({ waitingSince: 0 });
    this.#report("paused", "");
  }

  async #poll() {
    this.running = true;
    this.hurried = false;
    this.began = performance.now();
    let wait = this.pollSeconds;
    try {
      await this.#ask();
      this.failures = 0;
      this.mayAsk = true; // a token may expire
      if (!document.hidden)
        this.store.set({
          link: { state: "live", retryAt: 0, answeredAt: Date.now(), reason: this.unlisted },
        });
      const waited = this.#waited();
      wait = this.#wait(waited);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.polls = this.settledAt = 0;
      if (error.isRefusal && (await this.#newToken(error))) return;
      this.failures += 1;
      wait = Math.max(error.retryAfter, backoff(this.failures, this.pollSeconds, error.status > 0));
      this.#report(
        navigator.onLine ? "retrying" : "offline",
        error.message,
        Date.now() + wait * 1000,
      );
    } finally {
      this.running = false;
      if (this.hurried) wait = Math.min(wait, SOON / 1000);
      const spent = this.failures ? 0 : performance.now() - this.began;
      this.#after(Math.max(50, wait * 1000 - spent));
    }
  }

  /** @param {number} waited @returns {number} seconds to the next poll */
  #wait(waited) {
    const { pollSeconds, expected, unchanged } = this;
    if (waited || this.polls < this.settledAt) return pace(pollSeconds, waited);
    return this.pushed
      ? patienceWithPush(expected, unchanged)
      : rest(pollSeconds, expected, unchanged);
  }

  async #ask() {
    const poll = this.polls++;
    const isFirst = poll === 0; // without any data yet
    if (!isFirst && (isWaiting(this.store.state) || isHistoryComing(this.store.state.producer)))
      this.settledAt = poll + SETTLING;
    const settling = poll < this.settledAt;
    const waiting = isWaiting(this.store.state);
    const every = settling ? HISTORY_EVERY : this.store.state.lag ? BEHIND_EVERY : HEALTH_EVERY;
    if (waiting || poll % every === 0) void this.#health();
    if (settling || poll % SYMBOLS_EVERY === 0) await this.#symbols();
    await this.#quotes();
    const whole = settling && !isFirst && poll % HISTORY_EVERY === 0;
    const anyway = waiting || poll % BARS_EVERY === 0;
    const [main, ...beside] = this.loaders;
    await Promise.all([
      main.poll(whole, anyway),
      ...beside.map((loader) => loader.poll(whole, anyway).catch((error) => loader.failed(error))),
    ]);
  }

  /** @returns {number} seconds without a price to show, 0 if there is one */
  #waited() {
    const { waitingSince, chartState } = this.store.state;
    const waiting = isWaiting(this.store.state) || (waitingSince && chartState === "loading");
    const since = waiting ? waitingSince || Date.now() : 0;
    this.store.set({ waitingSince: since });
    return since ? Math.max(0.001, (Date.now() - since) / 1000) : 0;
  }

  /**
   * Ask the reader for a token, but only once until a retry or a success.
   * @param {ApiError} refusal @returns {Promise<boolean>} whether the reader gave a token
   */
  async #newToken(refusal) {
    if (!this.mayAsk) return false;
    this.mayAsk = false;
    return this.askForToken(refusal);
  }

  /**
   * @param {import("./types.js").Link["state"]} state
   * @param {string} reason
   * @param {number} [retryAt]
   */
  #report(state, reason, retryAt = 0) {
    this.store.set({ link: { ...this.store.state.link, state, reason, retryAt } });
  }

  /**
   * Request the producer's status and the lag. Prices do not wait for it, and its failure does not
   * affect them.
   */
  async #health() {
    if (this.asking) return;
    this.asking = true;
    try {
      this.store.set(await this.api.health());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.asking = false;
    }
  }

  /** Update the list of symbols. If the API answers with an error, the previous list stays. */
  async #symbols() {
    let symbols;
    try {
      symbols = await this.api.symbols();
      this.unlisted = "";
    } catch (error) {
      if (!(error instanceof ApiError) || !error.status || error.isRefusal) throw error;
      this.unlisted = error.message;
      return;
    }
    const known = this.store.state.symbols;
    if (JSON.stringify(known) === JSON.stringify(symbols)) return;
    if (known.length) this.settledAt = this.polls + SETTLING;
    const listed = new Set(symbols.map(({ symbol }) => symbol));
    const quotes = new Map([...this.store.state.quotes].filter(([symbol]) => listed.has(symbol)));
    this.store.set({ symbols, quotes });
    for (const loader of known.length ? this.loaders : [])
      if (!listed.has(loader.store.state.view.symbol)) loader.forget();
  }

  async #quotes() {
    const { symbols, view } = this.store.state;
    const wanted = symbols.map(({ symbol }) => symbol);
    if (this.unlisted && view.symbol && !wanted.length) wanted.push(view.symbol);
    let [expected, changed] = [Infinity, false];
    for (let i = 0; i < wanted.length; i += 100) {
      const { quotes, seconds } = await this.api.quotes(wanted.slice(i, i + 100));
      expected = Math.min(expected, seconds);
      changed = this.#take(quotes) || changed;
    }
    this.expected = expected;
    this.unchanged = changed ? 0 : this.unchanged + 1;
  }

  /**
   * @param {import("./types.js").Quote[]} quotes @returns {boolean} whether any has changed
   */
  #take(quotes) {
    const next = new Map(this.store.state.quotes);
    let [changed, newer] = [false, false];
    for (const quote of quotes) {
      const old = next.get(quote.symbol);
      if (old && !old.historical && (quote.time < old.time || isSame(quote, old))) continue;
      next.set(quote.symbol, quote);
      changed = true;
      newer ||= quote.time > (old?.time ?? Infinity);
    }
    if (newer && this.pushed) this.missed();
    if (changed) this.store.set({ quotes: next });
    return changed;
  }
}

/** @param {import("./types.js").Quote} one @param {import("./types.js").Quote} other */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
