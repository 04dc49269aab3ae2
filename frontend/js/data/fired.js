// Groups alerts for display: many of one kind and symbol become one line. Pure.

import { alertText } from "./conditions.js";

/** @typedef {import("../types.js").Alert} Alert */

/** From this number on, alerts of one symbol and kind share a line. */
const STORM = 3;

/**
 * @param {Alert[]} alerts newest first
 * @returns {{key: string, alerts: Alert[]}[]} lines, each at the position of its newest alert
 */
export function collapse(alerts) {
  /** @type {Map<string, Alert[]>} */
  const kinds = new Map();
  for (const alert of alerts)
    kinds.set(kindOf(alert), [...(kinds.get(kindOf(alert)) ?? []), alert]);
  return alerts.flatMap((alert) => {
    const kind = /** @type {Alert[]} */ (kinds.get(kindOf(alert)));
    if (kind.length < STORM) return [{ key: alert.id, alerts: [alert] }];
    return alert === kind[0] ? [{ key: kindOf(alert), alerts: kind }] : [];
  });
}

/** @param {Alert} alert @returns {string} "ACME Golden cross 5/20" */
const kindOf = (alert) => `${alert.symbol} ${alertText(alert)}`;

/**
 * @param {Pick<Alert, "symbol" | "condition" | "time"> | null} a
 * @param {Pick<Alert, "symbol" | "condition" | "time"> | null} b
 * @returns {boolean} whether both are the same alert; each answer of the API has new objects
 */
export const sameEvent = (a, b) =>
  a !== null &&
  b !== null &&
  a.symbol === b.symbol &&
  a.condition === b.condition &&
  a.time === b.time;

const DAY = 86400e3;

/**
 * @param {Pick<Alert, "time" | "held">[]} alerts the known alerts
 * @param {number} now milliseconds
 * @returns {number} the time since which alerts may change: a day ago, or the oldest held alert's
 */
export const changingSince = (alerts, now) =>
  alerts.reduce(
    (since, { time, held }) => (held.length ? Math.min(since, time) : since),
    now - DAY,
  );
