// Compares symbols in percent from a common start, and summarises bars by year. Pure.

/** @typedef {import("../types.js").Bar} Bar */
/** @typedef {{open: number, close: number, low: number, high: number, change: number}} Stretch */

/**
 * @param {{symbol: string, bars: Bar[]}[]} series
 * @returns {{times: number[], lines: {symbol: string, values: (number | null)[]}[]}} percent at
 *   common times, which begin once all symbols have prices; null where a symbol has no bar
 */
export function alignPercent(series) {
  const filled = series.filter(({ bars }) => bars.length);
  if (!filled.length) return { times: [], lines: [] };
  const start = Math.max(...filled.map(({ bars }) => bars[0].time));
  const times = [...new Set(filled.flatMap(({ bars }) => bars.map((bar) => bar.time)))]
    .filter((time) => time >= start)
    .sort((a, b) => a - b);
  const lines = filled.map(({ symbol, bars }) => {
    const closes = new Map(bars.map((bar) => [bar.time, bar.close]));
    const base = bars.find((bar) => bar.time >= start)?.close;
    return { symbol, values: times.map((time) => percent(closes.get(time), base)) };
  });
  return { times, lines };
}

/** @param {number | undefined} value @param {number | undefined} base */
const percent = (value, base) => (value === undefined || !base ? null : 100 * (value / base - 1));

/** @param {(number | null)[]} values @returns {number | null} the newest value that is not null */
export const lastOf = (values) => values.findLast((value) => value !== null) ?? null;

/**
 * @param {Bar[]} bars in the order of time
 * @returns {Stretch | null} all bars joined into one; change in percent
 */
export function stretchOf(bars) {
  if (!bars.length) return null;
  const [open, close] = [bars[0].open, bars[bars.length - 1].close];
  return {
    open,
    close,
    change: 100 * (close / open - 1),
    low: Math.min(...bars.map((bar) => bar.low)),
    high: Math.max(...bars.map((bar) => bar.high)),
  };
}

/** @param {Bar[]} bars of a day or longer @returns {Map<number, Stretch>} by year */
export function byYear(bars) {
  /** @type {Map<number, Bar[]>} */
  const years = new Map();
  for (const bar of bars) {
    const year = new Date(bar.time).getUTCFullYear();
    years.set(year, [...(years.get(year) ?? []), bar]);
  }
  return new Map(
    [...years].map(([year, list]) => [year, /** @type {Stretch} */ (stretchOf(list))]),
  );
}
