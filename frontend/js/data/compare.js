// Several symbols as percentage from a common start. Pure.

/** @typedef {import("../types.js").Bar} Bar */

/**
 * @param {{symbol: string, bars: Bar[]}[]} series
 * @returns {{times: number[], lines: {symbol: string, values: (number | null)[]}[]}} one axis for all, from the first
 *   time at which each of them has a price; null where a symbol has no bar of that time
 */
export function alignPercent(series) {
  const filled = series.filter(({ bars }) => bars.length);
  if (!filled.length) return { times: [], lines: [] };
  const start = Math.max(...filled.map(({ bars }) => bars[0].time));
  const times = [...new Set(filled.flatMap(({ bars }) => bars.map((bar) => bar.time)))].filter((time) => time >= start).sort((a, b) => a - b);
  const lines = filled.map(({ symbol, bars }) => {
    const closes = new Map(bars.map((bar) => [bar.time, bar.close]));
    const base = bars.find((bar) => bar.time >= start)?.close;
    return { symbol, values: times.map((time) => percent(closes.get(time), base)) };
  });
  return { times, lines };
}

/** @param {number | undefined} value @param {number | undefined} base */
const percent = (value, base) => (value === undefined || !base ? null : 100 * (value / base - 1));

/** @param {(number | null)[]} values @returns {number | null} the newest that is there */
export const lastOf = (values) => values.findLast((value) => value !== null) ?? null;
