// Opens and closes over years. Pure.

/** @typedef {import("../types.js").Bar} Bar */
/** @typedef {{open: number, close: number, low: number, high: number, change: number}} Stretch */

/** @param {Bar[]} bars in the order of time @returns {Stretch | null} from the first open to the last close; change in percent */
export function stretchOf(bars) {
  if (!bars.length) return null;
  const [open, close] = [bars[0].open, bars[bars.length - 1].close];
  return {
    open, close, change: 100 * (close / open - 1),
    low: Math.min(...bars.map((bar) => bar.low)), high: Math.max(...bars.map((bar) => bar.high)),
  };
}

/** @param {Bar[]} bars labelled by dates @returns {Map<number, Stretch>} by year */
export function byYear(bars) {
  /** @type {Map<number, Bar[]>} */
  const years = new Map();
  for (const bar of bars) {
    const year = new Date(bar.time).getUTCFullYear();
    years.set(year, [...(years.get(year) ?? []), bar]);
  }
  return new Map([...years].map(([year, list]) => [year, /** @type {Stretch} */ (stretchOf(list))]));
}
