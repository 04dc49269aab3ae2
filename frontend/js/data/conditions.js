// Texts and fields of rule conditions, texts of alerts, and how far a rule is from firing. Pure.

import { formatPercent, formatPrice, placesOf } from "../format.js";

/** @typedef {import("../types.js").Rule} Rule */

/** @typedef {"price" | "percent" | "averages" | "window" | "when"} Field */

/** @type {Record<string, {label: string, fields: Field[]}>} */
export const CONDITIONS = {
  crossing: { label: "Price crosses", fields: ["price"] },
  crossing_up: { label: "Price crosses upward", fields: ["price"] },
  crossing_down: { label: "Price crosses downward", fields: ["price"] },
  greater_than: { label: "Price above", fields: ["price"] },
  less_than: { label: "Price below", fields: ["price"] },
  change_percent: { label: "Change of the day above", fields: ["percent"] },
  moving_percent: { label: "Move above", fields: ["percent", "window"] },
  golden_cross: { label: "Golden cross", fields: ["averages"] },
  death_cross: { label: "Death cross", fields: ["averages"] },
  average_cross: { label: "Golden or death cross", fields: ["averages"] },
  every_record: { label: "Every record", fields: [] },
  when: { label: "Formula", fields: ["when"] },
};

/** @type {Record<string, string>} */
export const TRIGGERS = {
  once: "Once",
  every_time: "Every time",
  once_per_bar: "Once per bar",
  once_per_session: "Once per session",
};

/** @param {string} condition */
export const conditionLabel = (condition) =>
  CONDITIONS[condition]?.label ?? condition.replaceAll("_", " ");

/** @param {string} condition @returns {"up" | "down" | "flat"} */
export const conditionWay = (condition) =>
  ["golden_cross", "crossing_up", "greater_than"].includes(condition)
    ? "up"
    : ["death_cross", "crossing_down", "less_than"].includes(condition)
      ? "down"
      : "flat";

/**
 * @param {Pick<Rule, "condition" | "value" | "fast" | "slow" | "window" | "when">} rule
 * @returns {string} "Price above 200.00", "Golden cross 5/20"
 */
export function ruleText(rule) {
  if (rule.when) return rule.when;
  const fields = CONDITIONS[rule.condition]?.fields ?? [];
  const value = fields.includes("percent")
    ? `${rule.value}%`
    : fields.includes("price")
      ? formatPrice(rule.value)
      : "";
  const averages =
    fields.includes("averages") && rule.fast && rule.slow ? `${rule.fast}/${rule.slow}` : "";
  const window = fields.includes("window") && rule.window ? `in ${rule.window} bars` : "";
  return [conditionLabel(rule.condition), value, averages, window].filter(Boolean).join(" ");
}

/**
 * @param {Rule[]} rules @param {string} symbol
 * @returns {Rule[]} the enabled price rules, drawn as lines on the symbol's chart, highest first
 */
export const lineRules = (rules, symbol) =>
  rules
    .filter(
      (rule) =>
        rule.enabled &&
        rule.symbol === symbol &&
        rule.value !== null &&
        CONDITIONS[rule.condition]?.fields.includes("price"),
    )
    .sort((a, b) => Number(b.value) - Number(a.value));

const MADE_ID = /^(default-.*|[0-9a-f]{16}|)$/;

/** @param {Rule} rule @returns {string} "Above 200.00 on 5m bars", after an id that a user chose */
export function lineText(rule) {
  const name = MADE_ID.test(rule.rule_id) ? "" : `${rule.rule_id}: `;
  const judged = rule.interval === "tick" ? "" : ` on ${rule.interval} bars`;
  const text = ruleText(rule).replace("Price ", "");
  return `${name}${name ? text : text.charAt(0).toUpperCase() + text.slice(1)}${judged}`;
}

/**
 * @param {string} symbol @param {number | undefined} price
 * @param {number | null | undefined} last the last price
 * @returns {{symbol: string, condition: string, value: number | null}} a rule that fires when the
 *   last price reaches `price`
 */
export function ruleAtPrice(symbol, price, last) {
  const known = last != null && price !== undefined && price !== last;
  return {
    symbol,
    condition: known ? (price > last ? "crossing_up" : "crossing_down") : "crossing",
    value: price === undefined ? null : Number(price.toFixed(placesOf(price))),
  };
}

/** @param {Record<string, number>} values @returns {number[]} windows of averages, ascending */
export const windowsOf = (values) =>
  Object.keys(values)
    .filter((name) => name.startsWith("sma_"))
    .map((name) => Number(name.slice(4)))
    .sort((a, b) => a - b);

/**
 * @param {Pick<import("../types.js").Alert, "condition" | "values"> & {interval?: string}} alert
 * @returns {string} the text of the rule that fired, from the alert's values: "Change of the
 *   day above 5%", "Golden cross 5/20 on 5m bars"
 */
export function alertText({ condition, values, interval = "tick" }) {
  const fields = CONDITIONS[condition]?.fields ?? [];
  if (values.value === undefined && (fields.includes("price") || fields.includes("percent")))
    return conditionLabel(condition);
  const [fast, slow] = windowsOf(values);
  const rule = { condition, value: values.value ?? null, fast, slow };
  return interval === "tick" ? ruleText(rule) : `${ruleText(rule)} on ${interval} bars`;
}

/** @typedef {Pick<import("../types.js").Alert, "notifiedAt" | "quiet" | "held">} Sent */

/**
 * @param {Sent} alert
 * @returns {"delivered" | "held" | "not delivered"} "delivered" once any channel has sent it
 */
export const deliveryOf = ({ notifiedAt, held }) =>
  notifiedAt ? "delivered" : held.length ? "held" : "not delivered";

/**
 * @param {Sent} alert
 * @param {(time: number) => string} timeText
 * @returns {string} "delivered", "held until 16:15", or why it was not sent
 */
export function deliveryText(alert, timeText) {
  const { quiet, held } = alert;
  const delivery = deliveryOf(alert);
  if (delivery === "held")
    return `held until ${timeText(Math.min(...held.map(({ until }) => until)))}`;
  if (delivery === "delivered" || !quiet) return delivery;
  return quiet === "record only" ? "recorded only" : `not sent: ${quiet}`;
}

/** @param {Sent} alert @returns {string} why channels hold the alert; "" if none does */
export const heldText = ({ held }) => [...new Set(held.map(({ reason }) => reason))].join("; ");

/**
 * @param {Pick<import("../types.js").Alert, "condition" | "values">} alert
 * @returns {string} "+5.20%" for an alert on a percentage, else ""
 */
export function movedText({ condition, values }) {
  const moved =
    condition === "change_percent"
      ? values.change_percent
      : condition === "moving_percent"
        ? values.moved_percent
        : undefined;
  return moved === undefined ? "" : formatPercent(moved);
}

/**
 * @param {Rule} rule @param {import("../types.js").Quote | undefined} quote of the rule's symbol
 * @returns {string} how far the rule is from firing: "+1.20% away", "holds now"; "" if unknown
 */
export function distanceText(rule, quote) {
  if (!quote) return "";
  const fields = CONDITIONS[rule.condition]?.fields ?? [];
  if (fields.includes("price") && rule.value !== null) {
    const percent = (100 * (Number(rule.value) - quote.price)) / quote.price;
    const met =
      (rule.condition === "greater_than" && percent < 0) ||
      (rule.condition === "less_than" && percent > 0);
    return met ? "holds now" : `${formatPercent(percent)} away`;
  }
  if (rule.condition === "change_percent" && quote.changePercent !== null) {
    const left = Number(rule.value) - Math.abs(quote.changePercent);
    return left < 0 ? "holds now" : `${left.toFixed(2)} points away`;
  }
  const [fast, slow] = [quote.averages[rule.fast ?? 0], quote.averages[rule.slow ?? 0]];
  if (fields.includes("averages") && rule.interval === "tick" && fast && slow)
    return `averages ${formatPercent((100 * (fast - slow)) / slow)} apart`;
  return "";
}

/**
 * Build the API's rule from the form's fields; fields that the condition does not use are omitted.
 * @param {Record<string, any>} form
 * @returns {Partial<Rule>}
 */
export function ruleBody(form) {
  const fields = CONDITIONS[form.condition]?.fields ?? [];
  const number = (/** @type {any} */ value) =>
    value === "" || value == null ? null : Number(value);
  return {
    symbol: form.symbol.trim().toUpperCase(),
    condition: form.condition,
    value: fields.includes("price") || fields.includes("percent") ? number(form.value) : null,
    fast: fields.includes("averages") ? number(form.fast) : null,
    slow: fields.includes("averages") ? number(form.slow) : null,
    window: fields.includes("window") ? number(form.window) : null,
    ...(fields.includes("when") ? { when: form.when } : {}),
    interval: form.interval,
    trigger: form.trigger,
    cooldown_seconds: 60 * (number(form.cooldown) ?? 0),
    expires_at: form.expires ? new Date(form.expires).toISOString() : null,
    enabled: Boolean(form.enabled),
    notify: Boolean(form.notify),
    ...(form.channels ? { channels: form.channels } : {}),
    ...(form.severity ? { severity: form.severity } : {}),
  };
}
