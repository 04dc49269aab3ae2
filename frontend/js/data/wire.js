// Converts the API's JSON to the page's types, one function per type.

import { knownZone } from "../format.js";

/** @param {string} text RFC 3339 @returns {number} milliseconds */
const timeOf = (text) => Date.parse(text);

/** @param {any} value @returns {number | null} */
const numberOf = (value) => (value == null ? null : Number(value));

/** @param {any} row @returns {Record<number, number>} the averages `sma_5` …, by window */
const averagesOf = (row) =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name, value]) => name.startsWith("sma_") && value != null)
      .map(([name, value]) => [Number(name.slice(4)), Number(value)]),
  );

/** Milliseconds added to an extended bar's start: the regular bar of its minute comes first. */
const BESIDE = 0.5;

/** @param {any} row @returns {import("../types.js").Bar} */
export function decodeBar(row) {
  return {
    time: timeOf(row.timestamp) + (row.extended ? BESIDE : 0),
    open: Number(row.open),
    high: Number(row.high),
    low: Number(row.low),
    close: Number(row.close),
    volume: Number(row.volume ?? 0),
    closed: row.closed !== false,
  };
}

/**
 * @param {any} envelope
 * @returns {import("../types.js").Bar[]} with a source where the previous bar has another
 */
export function decodeBars({ prices, sources = [] }) {
  const bars = prices.map(decodeBar);
  for (const { timestamp, source } of sources.slice(1))
    bars[prices.findIndex((/** @type {any} */ row) => row.timestamp === timestamp)].source = source;
  return bars;
}

/** @param {any} row a tick, or a bar @returns {{time: number, price: number}} */
export const decodePoint = (row) => ({
  time: timeOf(row.timestamp),
  price: Number(row.price ?? row.close),
});

/** @param {any} row the last tick's record @returns {import("../types.js").Quote} */
export function decodeQuote(row) {
  return {
    symbol: row.symbol,
    name: row.name ?? undefined,
    time: timeOf(row.timestamp),
    historical: false,
    price: Number(row.price),
    change: numberOf(row.change),
    changePercent: numberOf(row.change_percent),
    previousClose: numberOf(row.previous_close),
    volume: numberOf(row.volume),
    currency: row.currency ?? null,
    zone: knownZone(row.exchange_timezone),
    source: row.source ?? "unknown",
    marketState: row.market_state ?? null,
    nextOpen: row.next_open ? timeOf(row.next_open) : null,
    stale: row.is_stale === true,
    exchangeDelay: row.exchange_delay_seconds ?? 0,
    anomaly: row.anomaly === "Yes",
    alertedAt: row.alerted_at ?? "",
    averages: averagesOf(row),
  };
}

/**
 * Make a quote from the last day's close, for a symbol of which only bars are stored.
 * @param {any} envelope of daily bars
 * @param {import("../types.js").Bar[]} days in the order of time, at least one
 * @returns {import("../types.js").Quote}
 */
export function closingQuote(envelope, days) {
  const last = days[days.length - 1];
  const previousClose = days.at(-2)?.close ?? null;
  const change = previousClose === null ? null : last.close - previousClose;
  return {
    symbol: envelope.symbol,
    name: undefined,
    time: last.time,
    historical: true,
    price: last.close,
    change,
    changePercent: change === null || !previousClose ? null : (change / previousClose) * 100,
    previousClose,
    volume: last.volume,
    currency: envelope.currency ?? null,
    zone: knownZone(envelope.exchange_timezone),
    source: envelope.source ?? "unknown",
    marketState: null,
    nextOpen: null,
    exchangeDelay: 0,
    stale: false,
    anomaly: false,
    alertedAt: "",
    averages: {},
  };
}

/** @param {any} row @returns {import("../types.js").Alert} */
export function decodeAlert(row) {
  return {
    id: row.alert_id,
    ruleId: row.rule_id,
    symbol: row.symbol,
    condition: row.condition,
    time: timeOf(row.timestamp),
    price: numberOf(row.price),
    message: row.message ?? "",
    source: row.source ?? "unknown",
    values: Object.fromEntries(
      Object.entries(row.values ?? {}).map(([name, value]) => [name, Number(value)]),
    ),
    interval: row.interval ?? "tick",
    quiet: row.quiet ?? "",
    held: (row.held ?? []).map((/** @type {any} */ { channel, until, reason }) => ({
      channel,
      until: timeOf(until),
      reason,
    })),
    notifiedAt: row.notified_at ?? null,
  };
}
