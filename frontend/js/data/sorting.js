// The order of the watch-list. Pure.

/** @typedef {{by: "own" | "symbol" | "price" | "change", down: boolean}} Order */

const COLUMNS = ["own", "symbol", "price", "change"];

/** @param {any} kept what the browser has stored, of any type @returns {Order} "own" if invalid */
export const knownOrder = (kept) => ({
  by: COLUMNS.includes(kept?.by) ? kept.by : "own",
  down: kept?.down === true,
});

/**
 * @param {import("../types.js").Listed[]} symbols
 * @param {Map<string, import("../types.js").Quote>} quotes
 * @param {Order} order @param {string} search part of a symbol or name
 * @returns {import("../types.js").Listed[]} matching symbols; those without a price come last
 */
export function arrange(symbols, quotes, order, search) {
  const wanted = search.trim().toUpperCase();
  const found = symbols.filter(
    ({ symbol, name }) => symbol.includes(wanted) || (name ?? "").toUpperCase().includes(wanted),
  );
  if (order.by === "own") return found;
  const value = (/** @type {import("../types.js").Listed} */ s) => {
    const quote = quotes.get(s.symbol);
    return { symbol: s.symbol, price: quote?.price ?? null, change: quote?.changePercent ?? null }[
      /** @type {"symbol" | "price" | "change"} */ (order.by)
    ];
  };
  const sign = order.down ? -1 : 1;
  return [...found].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    return sign * (x < y ? -1 : x > y ? 1 : 0) || (a.symbol < b.symbol ? -1 : 1);
  });
}
