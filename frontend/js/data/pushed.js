// Decides the order of pushed changes, and applies them to a series. Pure.

import { decodeBar } from "./wire.js";
import { mergeBars } from "./series.js";

/** @typedef {import("../types.js").Bar} Bar @typedef {import("../types.js").Series} Series */

/**
 * A symbol's newest state, as the server pushes it (docs/api.md): `first` to `version` are the
 * numbers of the writes that it covers.
 * @typedef {object} Change
 * @property {string} symbol
 * @property {number} first
 * @property {number} version
 * @property {number} [repairs]
 * @property {any} quote
 * @property {any[]} [minutes]
 * @property {any} [day]
 * @property {any[]} [alerts]
 */

const DAYS = ["1d", "1wk", "1mo"];

/**
 * @param {string} symbol @param {number} channels
 * @returns {string} the symbol's channel, as chalicelib/domain/push_channels.py computes it
 */
export function channelOf(symbol, channels) {
  let hash = 0x811c9dc5;
  for (const letter of symbol)
    hash = Math.imul(hash ^ /** @type {number} */ (letter.codePointAt(0)), 0x01000193) >>> 0;
  return `/ticktape/prices/${hash % channels}`;
}

/**
 * @param {{version: number, repairs: number} | undefined} known the last change of the symbol
 * @param {Change} change
 * @returns {"old" | "next" | "gap"} "gap" if changes before it are missing, or bars were repaired
 */
export function orderOf(known, { first, version, repairs = 0 }) {
  if (!known) return "next";
  if (version <= known.version) return "old";
  return first > known.version + 1 || repairs !== known.repairs ? "gap" : "next";
}

/**
 * Apply a change of the series' symbol.
 * @param {Series} series @param {Change} change
 * @param {Bar | null} before the running bar of the previous change, null if there was none
 * @returns {{series: Series, running: Bar | null, ask: boolean}} running: the minute or day still
 *   being built; ask: whether the API has to be asked for missing bars
 */
export function withChange(series, change, before) {
  const isDaily = DAYS.includes(series.interval);
  const parts = isDaily ? [change.day] : (change.minutes ?? []);
  const bars = parts.filter(Boolean).map(decodeBar);
  const running = bars.at(-1) ?? null;
  const last = series.bars.at(-1);
  if (!running || !last) return { series, running, ask: false };
  const isNext = before?.time !== running.time;
  if (["1m", "1d"].includes(series.interval))
    return { series: mergeBars(series, bars), running, ask: isNext && running.time > last.time };
  if (isNext || !before || last.closed || last.time % 1 !== running.time % 1)
    return { series, running, ask: true };
  const grown = {
    ...last,
    close: running.close,
    high: Math.max(last.high, running.high),
    low: Math.min(last.low, running.low),
    volume: last.volume + running.volume - before.volume,
  };
  return { series: mergeBars(series, [grown]), running, ask: false };
}
