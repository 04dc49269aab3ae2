// The dialog that shows how complete a symbol's data is, and how late its prices arrived.

import { ApiError } from "../api.js";
import { el } from "../dom.js";
import { formatClock, formatDay, formatPercent, formatPrice, zoneName } from "../format.js";
import { withStyles } from "../styles.js";
import { openDialog } from "./dialog.js";

/** @typedef {import("../types.js").Quality} Quality */

const LISTED = 8; // the most gaps, and the most jumps, in the list

/** @param {number} count */
const minutes = (count) => (count === 1 ? "1 minute" : `${count.toLocaleString("en")} minutes`);

/** @param {Quality} found @param {(stamp: string) => string} at */
function summary({ expected, received, filled, start }, at) {
  const number = received.toLocaleString("en");
  if (expected === null)
    return `The exchange's hours are not known. ${number} minutes since ${at(start)} have prices.`;
  if (!expected) return "There were no trading hours in these days.";
  // rounded down, so that 100% means all
  const percent = (Math.floor((1000 * received) / expected) / 10).toFixed(1);
  const missing = expected - received;
  return [
    `Prices in ${percent}% of ${minutes(expected)} of trading since ${at(start)}.`,
    filled ? `History filled ${minutes(filled)}.` : "",
    missing ? `Without prices: ${minutes(missing)}.` : "",
  ].join(" ");
}

/** @param {number | null} seconds */
const short = (seconds) =>
  seconds && seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds?.toPrecision(2)} s`;

/** @param {Quality["delays"]} delays */
const late = ({ ticks, p50, p99 }) =>
  ticks
    ? `Half of the last ${ticks} prices arrived within ${short(p50)}, ` +
      `99% within ${short(p99)}.`
    : "No prices arrived live.";

/** @param {Quality} found */
function sessionTable({ sessions }) {
  const heads = ["Session", "Minutes", "Received", "Filled", "Missing"];
  const rows = sessions.toReversed().map(({ date, expected, received, filled }) => {
    const missing = expected === null ? "–" : expected - received;
    const cells = [expected ?? "–", received, filled, missing];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, formatDay(Date.parse(date), "UTC")),
      ...cells.map((cell) => el("td", {}, String(cell))),
    );
  });
  return el(
    "div.spreads",
    {},
    el(
      "table",
      { "aria-label": "By session" },
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows),
    ),
  );
}

/** @param {string} title @param {string[]} all oldest first @returns {Node[]} */
function newest(title, all) {
  if (!all.length) return [];
  const shown = all.slice(-LISTED).reverse();
  if (all.length > LISTED) shown.push(`and ${(all.length - LISTED).toLocaleString("en")} earlier`);
  return [
    el(
      "section",
      {},
      el("h3", {}, `${title} (${all.length.toLocaleString("en")})`),
      el("ul", {}, ...shown.map((line) => el("li", {}, line))),
    ),
  ];
}

/** @param {Quality} found @param {string} zone @returns {Node[]} */
function content(found, zone) {
  const at = (/** @type {string} */ stamp) => {
    const time = Date.parse(stamp);
    return `${formatDay(time, zone)} ${formatClock(time, zone)}`;
  };
  const gaps = found.gaps.map(
    ({ start, minutes: count, filled_by }) =>
      `${at(start)}, ${minutes(count)}: ${filled_by ? "filled from history" : "missing"}`,
  );
  const jumps = found.jumps.map(
    ({ timestamp, previous_close: from, price, change_percent: change }) =>
      `${at(timestamp)}: ${formatPrice(from)} to ${formatPrice(price)} (${formatPercent(change)})`,
  );
  return [
    el("p", {}, summary(found, at)),
    el("p", {}, late(found.delays)),
    ...(found.sessions.length ? [sessionTable(found)] : []),
    ...newest("Gaps", gaps),
    ...newest(`Moves above ${found.jump_percent}% in a minute`, jumps),
    el("p", {}, `Times are in ${zoneName(zone, Date.parse(found.end))}.`),
  ];
}

/** @param {import("../api.js").Api} api @param {string} symbol @param {string} zone */
export async function showQuality(api, symbol, zone) {
  await withStyles("css/formula.css");
  const told = el("div.findings", { "aria-live": "polite" }, el("p", {}, "Loading …"));
  openDialog(`${symbol}: data of the last 7 days`, [told]);
  const asked = api.request(`/quality/${encodeURIComponent(symbol)}`);
  asked
    .then((found) => content(found, zone))
    .catch((error) => {
      if (!(error instanceof ApiError)) throw error;
      return [el("p", {}, error.message)];
    })
    .then((nodes) => told.replaceChildren(...nodes));
}
