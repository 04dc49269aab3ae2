// The view in the address: a link restores its sender's view. The view follows the #, so that
// browsers send it to no server.

import { INTERVALS, RANGES } from "./ranges.js";
import { isIndicator } from "./data/indicator_table.js";

/** @typedef {import("./types.js").View} View */

export const SYMBOL = /^(?=.*[A-Z0-9])[A-Z0-9.\-=^_]{1,24}$/;
const ALERT_ID = /^[0-9a-f]{24}$/;
const DRAWING = /^[A-Z0-9.\-=^_]{1,24}(\*\d{1,12}\*\d{1,12}(\.\d{1,8})?){2}$/;
const MOST_DRAWINGS = 20;
const MOST_CHARTS = 3; // beside the main one
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * @param {string} text
 * @returns {boolean} whether it is a date that the API accepts: not 2026-02-31 or 0000-00-00
 */
function isDate(text) {
  if (!DATE.test(text) || text < "0002" || text >= "9998-12-31") return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/**
 * @param {string} text
 * @param {(value: string) => boolean} valid
 * @returns {string[]} the valid values between the commas, each once
 */
const several = (text, valid) => [...new Set(text.split(","))].filter(valid);

/** @param {string} text @returns {boolean} whether it is a chart of the desk */
function isChart(text) {
  const [symbol, range, interval, ...rest] = text.split("*");
  const isSize = interval === "auto" || INTERVALS.includes(interval);
  return SYMBOL.test(symbol) && Object.hasOwn(RANGES, range) && isSize && !rest.length;
}

/**
 * @param {any} kept the browser's stored view, of any type
 * @param {View} base
 * @returns {View} the stored view, without invalid and unknown values
 */
export function recalledView(kept, base) {
  const names = Object.keys(base).filter((name) => isPlain(kept?.[name]));
  const view = Object.fromEntries(names.map((name) => [name, kept[name]]));
  return readView(writeView({ ...base, ...view }, base), base);
}

/** @param {any} value @returns {boolean} whether it is a text, a number or a list of texts */
const isPlain = (value) =>
  ["string", "number"].includes(typeof value) ||
  (Array.isArray(value) && value.every((one) => typeof one === "string"));

/**
 * @param {string} hash with or without its #
 * @param {View} base the defaults
 * @returns {View} the default in place of unknown and invalid values
 */
export function readView(hash, base) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const view = { ...base };
  const take = (
    /** @type {string} */ key,
    /** @type {(value: string) => boolean} */ valid,
    /** @type {(value: string) => void} */ use,
  ) => {
    const value = given.get(key);
    if (value !== null && valid(value)) use(value);
  };
  take(
    "view",
    (v) => ["chart", "compare", "history"].includes(v),
    (v) => (view.page = /** @type {View["page"]} */ (v)),
  );
  take(
    "symbol",
    (v) => SYMBOL.test(v),
    (v) => (view.symbol = v),
  );
  take(
    "range",
    (v) => Object.hasOwn(RANGES, v),
    (v) => (view.range = v),
  );
  take(
    "interval",
    (v) => INTERVALS.includes(v),
    (v) => (view.interval = v),
  );
  take(
    "type",
    (v) => v === "line",
    () => (view.type = "line"),
  );
  take(
    "clock",
    (v) => v === "local",
    () => (view.clock = "local"),
  );
  take(
    "show",
    () => true,
    (v) => (view.indicators = several(v, isIndicator)),
  );
  take(
    "with",
    () => true,
    (v) => (view.compare = several(v, (symbol) => SYMBOL.test(symbol))),
  );
  take(
    "draw",
    () => true,
    (v) => (view.drawings = several(v, (text) => DRAWING.test(text)).slice(-MOST_DRAWINGS)),
  );
  take(
    "desk",
    () => true,
    (v) => (view.desk = v.split(",").filter(isChart).slice(0, MOST_CHARTS)),
  );
  take(
    "link",
    (v) => ["symbol", "time"].includes(v),
    (v) => (view.linked = /** @type {View["linked"]} */ (v)),
  );
  take(
    "alert",
    (v) => ALERT_ID.test(v),
    (v) => (view.alert = v),
  );
  const [start, end] = [given.get("start") ?? "", given.get("end") ?? ""];
  if (isDate(start) && isDate(end) && start <= end)
    Object.assign(view, { range: "custom", start, end });
  const [from, to] = [Number(given.get("from")), Number(given.get("to"))];
  if (from > 0 && to > from) Object.assign(view, { from, to });
  return view;
}

/**
 * @param {View} view
 * @param {View} base values equal to these are omitted
 * @returns {string} "#…"
 */
export function writeView(view, base) {
  const out = new URLSearchParams();
  const put = (/** @type {string} */ key, /** @type {any} */ value, /** @type {any} */ usual) => {
    if (String(value) !== String(usual)) out.set(key, String(value));
  };
  put("view", view.page, base.page);
  put("symbol", view.symbol, "");
  if (view.range === "custom") [put("start", view.start, ""), put("end", view.end, "")];
  else put("range", view.range, base.range);
  put("interval", view.interval, base.interval);
  put("type", view.type, base.type);
  put("clock", view.clock, base.clock);
  put("show", view.indicators, base.indicators);
  put("with", view.compare, []);
  put("draw", view.drawings, base.drawings);
  put("desk", view.desk, base.desk);
  put("link", view.linked, base.linked);
  put("from", view.from, 0);
  put("to", view.to, 0);
  put("alert", view.alert, base.alert);
  return `#${out.toString().replaceAll("%2C", ",")}`;
}
