// Loads the sparklines' closes once per symbol, a few at a time and after the chart, then updates
// them from quotes. Loads them again when a symbol gets its first price, and when all history has
// arrived. A symbol with bars only has no quote: its last day's close is used instead.

import { ApiError } from "../api.js";
import { isHistoryComing } from "../data/waiting.js";
import { closingQuote } from "../data/wire.js";

const AT_ONCE = 2;
const KEPT = 60;
const STEP = 30 * 60e3; // milliseconds of a requested bar

/** @param {import("../types.js").Quote | undefined} quote */
const hasTicks = (quote) => Boolean(quote && !quote.historical);

/** @param {import("../store.js").Store} store @param {import("../api.js").Api} api */
export function bindSparks(store, api) {
  /** @type {Map<string, number>} start of the newest close's bar, by symbol */
  const newest = new Map();
  /** @type {Map<string, number>} how much data there was at a symbol's last request: 0 to 3 */
  const asked = new Map();
  let running = 0;

  const load = async (/** @type {string} */ symbol) => {
    if (!hasTicks(store.state.quotes.get(symbol))) return loadDays(symbol);
    const { bars } = await api.bars(symbol, { interval: "30m", period: "1d", limit: KEPT });
    const time = bars.at(-1)?.time;
    if (time === undefined) return;
    newest.set(symbol, time);
    put(
      symbol,
      bars.map((bar) => bar.close),
    );
  };
  const loadDays = async (/** @type {string} */ symbol) => {
    const { envelope, bars } = await api.bars(symbol, {
      interval: "1d",
      period: "max",
      sort: "desc",
      limit: KEPT,
    });
    const { quotes } = store.state;
    if (!bars.length || hasTicks(quotes.get(symbol))) return;
    const days = bars.reverse();
    store.set({ quotes: new Map(quotes).set(symbol, closingQuote(envelope, days)) });
    put(
      symbol,
      days.map((bar) => bar.close),
    );
  };
  const put = (/** @type {string} */ symbol, /** @type {number[]} */ closes) =>
    store.set({ sparks: new Map(store.state.sparks).set(symbol, closes) });

  const next = () => {
    const { symbols, chartState, link, quotes, producer } = store.state;
    if (chartState === "loading" || link.state !== "live") return;
    for (const { symbol } of symbols) {
      if (running >= AT_ONCE) return;
      const there = Number(hasTicks(quotes.get(symbol))) + 2 * Number(!isHistoryComing(producer));
      if ((asked.get(symbol) ?? -1) >= there) continue;
      asked.set(symbol, there);
      running += 1;
      load(symbol)
        .catch((error) => error)
        .then((error) => {
          running -= 1;
          if (error && !error.isMissing)
            asked.delete(symbol); // requested again after a poll
          else setTimeout(next, 100);
          if (error && !(error instanceof ApiError)) throw error;
        });
    }
  };

  /** Move the last close to the quote's price; add a close for a later half hour. */
  const follow = () => {
    const { quotes, sparks } = store.state;
    let changed = false;
    const all = new Map(sparks);
    for (const [symbol, closes] of sparks) {
      const quote = quotes.get(symbol);
      const time = newest.get(symbol) ?? 0;
      if (!quote || quote.historical || quote.time < time || closes.at(-1) === quote.price)
        continue;
      const later = quote.time >= time + STEP;
      if (later) newest.set(symbol, Math.floor(quote.time / STEP) * STEP);
      all.set(symbol, [...(later ? closes : closes.slice(0, -1)), quote.price].slice(-KEPT));
      changed = true;
    }
    if (changed) store.set({ sparks: all });
  };
  store.watch(["symbols", "chartState", "link"], next);
  store.watch(["quotes"], follow);
}
