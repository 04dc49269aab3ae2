// Lines of the alert list: a single alert, or an expandable storm of several.

import { serverNow } from "../server_clock.js";
import { arrange, busy, el, flash, setText } from "../dom.js";
import {
  alertText,
  conditionWay,
  deliveryOf,
  deliveryText,
  heldText,
  movedText,
} from "../data/conditions.js";
import { sameEvent } from "../data/fired.js";
import { arrowOf, formatClock, formatDay, formatPrice } from "../format.js";

/** @typedef {import("../types.js").Alert} Alert */
/**
 * @typedef {{zone: (symbol: string) => string, focus: Alert | null, fresh: (alert: Alert) =>
 *   boolean, show: (alert: Alert) => void, mute: (alert: Alert) => Promise<void>}} Context
 */
/** @typedef {{node: HTMLElement, update: (alerts: Alert[], context: Context) => void}} Line */

/** @param {Alert} alert */
const nameOf = (alert) =>
  `${arrowOf(conditionWay(alert.condition))} ${alert.symbol} · ${alertText(alert)}`;

/**
 * @param {number} time
 * @param {string} zone
 * @param {number} beside a time shown next to it: the day is omitted if both are on one day
 * @returns {string} "14:05", or "Fri 20 Nov 14:05"
 */
function timeText(time, zone, beside) {
  const day = formatDay(time, zone);
  return day === formatDay(beside, zone)
    ? formatClock(time, zone)
    : `${day} ${formatClock(time, zone)}`;
}

/** @param {Alert} alert @param {string} zone @returns {string} "held until 14:05" … */
const outcomeOf = (alert, zone) =>
  deliveryText(alert, (until) => timeText(until, zone, serverNow()));

/** @param {Alert[]} alerts @returns {string} "3 delivered, 2 held" */
function countsOf(alerts) {
  const outcomes = alerts.map(deliveryOf);
  const count = (/** @type {string} */ name) => outcomes.filter((each) => each === name).length;
  const held = count("held");
  const delivered = `${count("delivered")} delivered`;
  return held ? `${delivered}, ${held} held` : delivered;
}

/** @param {Alert} alert @returns {string} price, and the move for a rule in percent */
const figuresOf = (alert) =>
  [formatPrice(alert.price), movedText(alert)].filter(Boolean).join(" · ");

/**
 * @param {boolean} named false inside a storm, whose own line shows the name
 * @returns {Line} the line of one alert; a click shows the alert on the chart
 */
export function alertLine(named = true) {
  const what = el("span.what.wide");
  const [when, figures, sent] = [el("span"), el("b"), el("small.end")];
  const button = el(
    "button.entry",
    { type: "button" },
    named && what,
    el("small", {}, when, " · ", figures),
    sent,
  );
  let press = () => {};
  let silence = async () => {};
  const mute = el("button.button.quiet", { onclick: () => void busy(mute, "…", silence) }, "Mute");
  const tools = el("div.chosen", { hidden: true }, mute);
  const node = el("li", {}, button, tools);
  button.addEventListener("click", () => press());
  return {
    node,
    update([alert], { zone, focus, fresh, show, mute: openMutes }) {
      press = () => show(alert);
      silence = () => openMutes(alert);
      tools.hidden = !sameEvent(focus, alert);
      mute.setAttribute("aria-label", `Mute: ${nameOf(alert)}`);
      button.dataset.alert = alert.id;
      button.title = alert.message;
      button.setAttribute("aria-pressed", String(sameEvent(focus, alert)));
      what.dataset.way = conditionWay(alert.condition);
      setText(what, nameOf(alert));
      setText(when, timeText(alert.time, zone(alert.symbol), serverNow()));
      setText(figures, figuresOf(alert));
      setText(sent, outcomeOf(alert, zone(alert.symbol)));
      sent.title = heldText(alert);
      if (fresh(alert)) flash(node, "fresh");
    },
  };
}

let storms = 0;

/** @returns {Line} the line of several alerts: number and time span; a click expands it */
export function stormLine() {
  const [what, times, spoken] = [
    el("span.what"),
    el("span.end.times", { "aria-hidden": "true" }),
    el("span.announce"),
  ];
  const [when, figures, sent] = [el("span"), el("b"), el("small.end")];
  const list = el("ul.list.nested", { hidden: true, id: `storm-${(storms += 1)}` });
  const button = el(
    "button.entry.storm",
    {
      type: "button",
      "aria-expanded": "false",
      "aria-controls": list.id,
      onclick: () => unfold(Boolean(list.hidden)),
    },
    what,
    times,
    el("small", {}, spoken, when, " · last ", figures),
    sent,
  );
  const node = el("li", {}, button, list);
  /** @type {Map<string, Line>} */
  const lines = new Map();
  let fill = () => {};
  const unfold = (/** @type {boolean} */ open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    fill();
  };
  return {
    node,
    update(alerts, context) {
      const [last, first] = [alerts[0], alerts[alerts.length - 1]];
      const zone = context.zone(last.symbol);
      const outcomes = new Set(alerts.map((alert) => outcomeOf(alert, zone)));
      what.dataset.way = conditionWay(last.condition);
      setText(what, nameOf(last));
      setText(times, `×${alerts.length}`);
      setText(spoken, `${alerts.length} times,`);
      setText(
        when,
        `${timeText(first.time, zone, serverNow())} to ${timeText(last.time, zone, first.time)}`,
      );
      setText(figures, figuresOf(last));
      setText(sent, outcomes.size === 1 ? outcomeOf(last, zone) : countsOf(alerts));
      fill = () =>
        !list.hidden &&
        fillLines(
          list,
          lines,
          alerts.map((alert) => ({ key: alert.id, alerts: [alert] })),
          () => alertLine(false),
          context,
        );
      fill();
      if (context.fresh(last)) flash(node, "fresh");
    },
  };
}

/**
 * Show the given lines in the list and reuse existing nodes, so that they keep a press or the
 * focus.
 * @param {HTMLElement} list
 * @param {Map<string, Line>} known the list's lines by key; those not wanted are removed
 * @param {{key: string, alerts: Alert[]}[]} wanted
 * @param {(alerts: Alert[]) => Line} make
 * @param {Context} context
 */
export function fillLines(list, known, wanted, make, context) {
  const keys = new Set(wanted.map(({ key }) => key));
  for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
  arrange(
    list,
    wanted.map(({ key, alerts }) => {
      const line = known.get(key) ?? make(alerts);
      known.set(key, line);
      line.update(alerts, context);
      return line.node;
    }),
  );
}
