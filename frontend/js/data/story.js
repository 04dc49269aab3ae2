// What became of an alert in words, and what its rule judged. Pure.

import { formatAge, formatDay, formatPercent, formatPrice, formatSeconds } from "../format.js";
import { lengthOf } from "../ranges.js";
import { windowsOf } from "./conditions.js";
import { sma } from "./indicators.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").Delivery} Delivery */

/** Prices before the alert for which averages are drawn. */
const DRAWN = 24;

/**
 * @param {Delivery} delivery @param {string} zone
 * @returns {string} "sent after 0.8 s", or what is to come, and why; an unknown status as its word
 */
export function statusText(delivery, zone) {
  const { status, seconds, attempts } = delivery;
  const until = delivery.next_attempt_at;
  const due = until && formatSeconds(Date.parse(until), zone);
  const why = status === "held" ? delivery.held_reason : delivery.error;
  const took = seconds == null ? "" : seconds < 10 ? `${seconds.toFixed(1)} s` : formatAge(seconds);
  return [
    status === "sent" ? `sent after ${took}` : status === "dead" ? "failed" : status,
    due && `${status === "waiting" ? ", next attempt at" : " until"} ${due}`,
    attempts > 1 && ` (attempt ${attempts})`,
    why && `: ${why}`,
  ]
    .filter(Boolean)
    .join("");
}

/**
 * @param {Alert} alert @param {Delivery[]} deliveries
 * @returns {boolean} whether nothing follows
 */
export const isFinal = ({ quiet, notifiedAt }, deliveries) =>
  deliveries.length
    ? deliveries.every(({ status }) => status === "sent" || status === "dead")
    : Boolean(quiet || notifiedAt);

/** @param {Alert} alert */
const judgesAverages = ({ condition }) => condition.endsWith("_cross");

/**
 * @param {Alert} alert @param {string} zone
 * @returns {string[][]} name and value of each figure, and the colour of its line, if any
 */
export const figuresOf = (alert, zone) => [
  ["time", `${formatDay(alert.time, zone)} ${formatSeconds(alert.time, zone)}`],
  ...Object.entries({ price: alert.price, ...alert.values }).map(([name, value]) => [
    name.replace("sma_", "SMA ").replace("_percent", " %").replace("_", " "),
    name.endsWith("_percent") ? formatPercent(value) : formatPrice(value),
    judgesAverages(alert) ? ["fast", "slow"][windowsOf(alert.values).indexOf(+name.slice(4))] : "",
  ]),
  ["rule", alert.ruleId],
];

/**
 * @param {Alert} alert
 * @returns {Record<string, string | number>} a query for the prices that its rule judged
 */
export const judgedQuery = (alert) => ({
  interval: alert.interval,
  end: new Date(alert.time + 1).toISOString(),
  sort: "desc",
  limit: DRAWN + (judgesAverages(alert) ? (windowsOf(alert.values).at(-1) ?? 0) : 0),
});

/** @param {Alert} alert @returns {number[]} prices at which the rule decides */
function levelsOf({ condition, price, values }) {
  const { value, previous_close: close, change_percent: change, moved_percent: moved } = values;
  if (condition === "moving_percent") return [(price ?? 0) / (1 + moved / 100)];
  if (condition !== "change_percent") return [value];
  return [close, close * (1 + (Math.sign(change) * value) / 100)];
}

/**
 * @param {Alert} alert
 * @param {{time: number, price: number}[]} prices newest first: ticks, or closes by the bar's start
 * @returns {import("../types.js").Judged} what to draw
 */
export function judgedOf(alert, prices) {
  const points = prices.filter(({ time }) => time <= alert.time).reverse();
  const closes = points.map(({ price }) => price);
  const windows = judgesAverages(alert) ? windowsOf(alert.values) : [];
  return {
    symbol: alert.symbol,
    time: alert.time,
    price: alert.price,
    length: alert.interval === "tick" ? 0 : lengthOf(alert.interval),
    levels: levelsOf(alert).filter(Number.isFinite),
    points: points.slice(-DRAWN),
    averages: windows.map((window) => sma(closes, window).slice(-DRAWN)),
  };
}
