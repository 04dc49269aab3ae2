// A chart's bars: built from the API's first answer, then updated by later ones. Pure.

import { MAX_BARS } from "../ranges.js";
import { knownZone } from "../format.js";

/** @typedef {import("../types.js").Bar} Bar */
/** @typedef {import("../types.js").Series} Series */

/**
 * @param {any} envelope the API's answer @param {Bar[]} bars in the order of time
 * @param {string} range @param {string} zone of the exchange, if the answer has none
 * @returns {Series} with the newest MAX_BARS bars
 */
export function makeSeries(envelope, bars, range, zone) {
  return {
    symbol: envelope.symbol,
    range,
    interval: envelope.interval,
    source: envelope.source ?? "unknown",
    currency: envelope.currency ?? null,
    adjustment: envelope.adjustment ?? "raw",
    zone: knownZone(envelope.exchange_timezone ?? zone),
    lead: [],
    bars: bars.slice(-MAX_BARS),
    first: 0,
    truncated: bars.length > MAX_BARS || Boolean(envelope.next_page_token),
  };
}

/**
 * Merge newer bars into the series: a bar replaces the one with the same start, and a later bar is
 * appended. The oldest above MAX_BARS become lead; bars before the first one are ignored.
 * @param {Series} series @param {Bar[]} newer in the order of time
 * @returns {Series} the same object if nothing differs
 */
export function mergeBars(series, newer) {
  const byTime = new Map(series.bars.map((bar) => [bar.time, bar]));
  let changed = false;
  for (const bar of newer) {
    const old = byTime.get(bar.time);
    if (old && sameBar(old, bar)) continue;
    if (!old && series.bars.length && bar.time < series.bars[0].time) continue;
    byTime.set(bar.time, { ...old, ...bar });
    changed = true;
  }
  if (!changed) return series;
  const bars = [...byTime.values()].sort((a, b) => a.time - b.time);
  const dropped = Math.max(0, bars.length - MAX_BARS);
  const lead = dropped
    ? [...series.lead, ...bars.slice(0, dropped)].slice(-Math.max(series.lead.length, dropped))
    : series.lead;
  return { ...series, lead, bars: bars.slice(dropped), first: series.first + dropped };
}

/**
 * Merge a complete answer into the series, which has newer bars that arrived meanwhile.
 * @param {Series} drawn @param {Series} found for the same symbol and range
 * @returns {Series} the drawn one if nothing differs; common bars keep their positions on the axis
 */
export function withHistory(drawn, found) {
  const kept =
    drawn.symbol === found.symbol &&
    drawn.range === found.range &&
    drawn.interval === found.interval &&
    drawn.bars.length > 0;
  if (!kept) return found;
  const older = found.bars.filter((bar) => bar.time < drawn.bars[0].time).length;
  return older ? { ...found, first: drawn.first - older } : mergeBars(drawn, found.bars);
}

/** @param {Bar} a @param {Bar} b */
function sameBar(a, b) {
  return (
    a.open === b.open &&
    a.high === b.high &&
    a.low === b.low &&
    a.close === b.close &&
    a.volume === b.volume &&
    a.closed === b.closed
  );
}

/**
 * @param {Series} series
 * @returns {number} where a poll for newer bars starts: three bars back, so that late corrections
 *   are included
 */
export const pollFrom = (series) => series.bars[Math.max(0, series.bars.length - 3)].time;

/**
 * @param {Series} series @param {number} time
 * @returns {number} axis index of the bar that contains `time`, or else of the nearest end
 */
export function indexAt(series, time) {
  const { bars, first } = series;
  let low = 0;
  let high = bars.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bars[middle].time <= time) low = middle;
    else high = middle - 1;
  }
  return first + low;
}

/** @param {Series} series @param {number} index on the axis @returns {Bar | undefined} */
export const barAt = (series, index) => series.bars[Math.round(index) - series.first];
