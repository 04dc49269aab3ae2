// Puts an alert's deliveries and figures into words, and finds what its rule evaluated. Pure.

import { formatAge, formatDay, formatPercent, formatPrice, formatSeconds } from "../format.js";
import { lengthOf } from "../ranges.js";
import { windowsOf } from "./conditions.js";
import { sma } from "./indicators.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").Delivery} Delivery */

/** The most prices that are drawn up to the alert. */
const DRAWN = 24;

/**
 * @param {Delivery} delivery @param {string} zone
 * @returns {string} "sent after 0.8 s", "waiting, next attempt at 14:05:09: timeout"; a status that
 *   the page does not know stays as it is
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
 * @returns {boolean} whether no further delivery follows
 */
export const isFinal = ({ quiet, notifiedAt }, deliveries) =>
  deliveries.length
    ? deliveries.every(({ status }) => status === "sent" || status === "dead")
    : Boolean(quiet || notifiedAt);

/** @param {Alert} alert */
const judgesAverages = ({ condition }) => condition.endsWith("_cross");

/**
 * @param {Alert} alert @param {string} zone
 * @returns {string[][]} name, value and colour of the drawn line (if any) of each figure
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
 * @returns {Record<string, string | number>} a query for the prices that its rule evaluated
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
