// Opens an alert picked in a list or on the chart: shows its story and moves the chart to it.

import { plotOf, xOf, yOf } from "../chart/plot_layout.js";
import { sameEvent } from "../data/fired.js";
import { indexAt } from "../data/series.js";
import { byId } from "../dom.js";
import { lengthOf } from "../ranges.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../store.js").Store} Store */

const REACH = 14; // pixels around a mark that count as the mark
const DAY = 86400e3;
const SHOWN_BARS = 40; // of the rule's interval, before the alert
const FINE = 60e3; // milliseconds: the longest bars fine enough for an alert on ticks

/**
 * @param {Alert} alert @param {import("../types.js").Series | null} series the drawn one
 * @param {number} now milliseconds
 * @returns {Partial<import("../types.js").View>} the range in which the chart shows what the rule
 *   judged; {} if it does already
 */
export function rangeFor({ symbol, time, interval: judged }, series, now) {
  const length = lengthOf(judged);
  const from = time - SHOWN_BARS * length;
  const isDrawn =
    series?.symbol === symbol &&
    series.bars.length > 0 &&
    series.bars[0].time <= from &&
    lengthOf(series.interval) <= Math.max(FINE, length);
  if (isDrawn) return {};
  const interval = now - time < DAY / 4 && length <= FINE ? "1m" : "auto";
  if (now - from < DAY) return { range: "1D", interval };
  const [start, end] = [from, time].map((at) => new Date(at).toISOString().slice(0, 10));
  return { range: "custom", start, end, interval };
}

/**
 * Show an event on the chart, with its story if it is an alert; close it if it is shown already.
 * @param {Store} store @param {Alert} alert a cross of the drawn averages has no id
 */
export function showAlert(store, alert) {
  const { view, series, focus } = store.state;
  const { id, symbol, condition } = alert;
  const isShown = view.page === "chart" && view.symbol === symbol && view.alert === id;
  if (isShown && sameEvent(focus, alert)) return leaveAlert(store);
  const range = id ? rangeFor(alert, series, Date.now()) : {};
  const place = condition === "test" ? {} : { symbol, ...range }; // a test has no prices
  store.set({
    focus: alert,
    judged: null,
    view: { ...view, page: "chart", ...place, alert: id },
  });
}

/** Close the story, and take its marks off the chart. @param {Store} store */
export const leaveAlert = (store) =>
  store.set({ focus: null, judged: null, view: { ...store.state.view, alert: "" } });

/** Open alerts by their marks. @param {Store} store */
export function bindMarks(store) {
  const section = byId("chart");
  const node = /** @type {any} */ (byId("plot"));
  /**
   * @param {MouseEvent} event
   * @returns {Alert | undefined} the alert whose mark is there
   */
  const alertAt = ({ clientX, clientY }) => {
    const { series, symbolAlerts, picking } = store.state;
    const plot = plotOf(node);
    if (!plot || !series || picking) return undefined;
    const { left, top } = node.getBoundingClientRect();
    for (const { name, x, y } of node.data ?? [])
      for (let i = 0; (name === "alert" || name === "anomaly") && i < x.length; i++)
        if (Math.hypot(xOf(plot, x[i]) + left - clientX, yOf(plot, y[i]) + top - clientY) < REACH)
          return symbolAlerts.find(({ time, quiet }) => !quiet && indexAt(series, time) === x[i]);
    return undefined;
  };
  section.addEventListener("pointermove", (event) =>
    section.classList.toggle("on-mark", Boolean(alertAt(event))),
  );
  section.addEventListener("click", (event) => {
    const alert = alertAt(event);
    if (alert && !event.altKey) showAlert(store, alert);
  });
}
