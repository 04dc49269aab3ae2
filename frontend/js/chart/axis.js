// Labels and ranges of the chart's axes. The horizontal axis counts bars, so that closed hours take
// no space. Pure.

import { formatClock } from "../format.js";

const MINUTE = 60e3;
const HOUR = 3600e3;
const DAY = 86400e3;

/** @typedef {{index: number, label: string, major: boolean}} Tick */

/** @type {Map<string, number>} */
const offsets = new Map();

/**
 * @param {string} zone @param {number} time
 * @returns {number} milliseconds by which the zone's wall clock is ahead of UTC; cached for each
 *   quarter of an hour
 */
function offsetOf(zone, time) {
  if (zone === "UTC") return 0;
  const key = zone + Math.floor(time / (15 * MINUTE));
  let offset = offsets.get(key);
  if (offset === undefined) {
    const parts = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    }).formatToParts(time);
    const part = (/** @type {string} */ type) => Number(parts.find((p) => p.type === type)?.value);
    offset =
      Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute")) -
      Math.floor(time / MINUTE) * MINUTE;
    offsets.set(key, offset);
  }
  return offset;
}

const monthsOf = (/** @type {number} */ wall) =>
  new Date(wall).getUTCFullYear() * 12 + new Date(wall).getUTCMonth();
const every = (/** @type {number} */ length) => (/** @type {number} */ wall) =>
  Math.floor(wall / length);

/**
 * Ways to number bars, from fine to coarse. A bar gets a label if its number has changed.
 * @type {((wall: number) => number)[]}
 */
const STEPS = [
  ...[1, 5, 10, 15, 30].map((n) => every(n * MINUTE)),
  ...[1, 2, 3, 4, 6, 12].map((n) => every(n * HOUR)),
  every(DAY),
  every(2 * DAY),
  (wall) => Math.floor((wall / DAY + 3) / 7), // weeks begin on Monday; the epoch was a Thursday
  (wall) => Math.floor((wall / DAY + 3) / 14),
  ...[1, 3, 6, 12, 24, 60].map(
    (n) => (/** @type {number} */ wall) => Math.floor(monthsOf(wall) / n),
  ),
];

/**
 * @param {number} wall
 * @param {number} before wall clock of the previous label, or of the bar before the first label
 * @param {boolean} dated whether bars are labelled by dates
 */
function labelOf(wall, before, dated) {
  const [now, then] = [new Date(wall), new Date(before)];
  const month = now.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
  if (now.getUTCFullYear() !== then.getUTCFullYear())
    return { label: String(now.getUTCFullYear()), major: true };
  if (dated && now.getUTCMonth() !== then.getUTCMonth()) return { label: month, major: true };
  if (now.getUTCDate() !== then.getUTCDate())
    return { label: `${now.getUTCDate()} ${month}`, major: !dated };
  return { label: dated ? `${now.getUTCDate()} ${month}` : formatClock(wall, "UTC"), major: false };
}

/**
 * Label the visible part of the axis at round times, as densely as fits. If it has no round time,
 * its first bar is labelled.
 * @param {number[]} times starts of the bars @param {number} first axis index of times[0]
 * @param {[number, number]} range visible indices @param {number} room the most labels
 * @param {string} zone of the labels
 * @param {boolean} dated whether bars are labelled by dates; `zone` is then ignored
 * @returns {Tick[]}
 */
export function axisTicks(times, first, range, room, zone, dated) {
  const begin = Math.max(1, Math.ceil(range[0]) - first);
  const end = Math.min(times.length - 1, Math.floor(range[1]) - first);
  const walls = times.map((time) => time + offsetOf(dated ? "UTC" : zone, time));
  for (const step of STEPS) {
    /** @type {number[]} */
    const places = [];
    for (let i = begin; i <= end && places.length <= room; i++) {
      if (step(walls[i]) !== step(walls[i - 1])) places.push(i);
    }
    if (!places.length) continue;
    if (places.length <= room) {
      return places.map((i, n) => ({
        index: first + i,
        ...labelOf(walls[i], n ? walls[places[n - 1]] : walls[i - 1], dated),
      }));
    }
  }
  const only = Math.max(0, Math.ceil(range[0]) - first);
  return only > end ? [] : [{ index: first + only, ...labelOf(walls[only], walls[only], dated) }];
}

/**
 * Round values for the labels of a vertical axis: multiples of 1, 2 or 5 times a power of ten.
 * @param {[number, number]} range @param {number} most about this many labels @returns {number[]}
 */
export function valueTicks([low, high], most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * Compute the vertical range for the visible bars, with a margin. Plotly does not rescale y.
 * @param {Iterable<{low: number, high: number}>} bars @returns {[number, number]}
 */
export function priceRange(bars) {
  let [low, high] = [Infinity, -Infinity];
  for (const bar of bars) {
    if (bar.low < low) low = bar.low;
    if (bar.high > high) high = bar.high;
  }
  if (low > high) return [0, 1];
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.005 || 1;
  return [low - margin, high + margin];
}

/**
 * Compute the range that shows all bars, with space after the last one for the price line.
 * @param {number} first @param {number} count @returns {[number, number]}
 */
export const fullRange = (first, count) => [
  first - 0.75,
  first + count - 0.25 + Math.max(1, count * 0.02),
];
