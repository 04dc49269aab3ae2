// What fired: today and before, of all symbols or of the open one.

import { KEPT } from "../alerts_feed.js";
import { el } from "../dom.js";
import { CONDITIONS, conditionLabel, conditionWay } from "../data/conditions.js";
import { arrowOf, formatClock, formatDate, formatDay, formatPrice, ownZone } from "../format.js";
import { RANGES } from "../ranges.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../store.js").Store} Store */

/** @type {[string, number][]} the ranges of the tool bar with their days */
const DAYS = [["1D", 1], ["5D", 5], ["1M", 30], ["3M", 91], ["6M", 182], ["1Y", 365], ["5Y", 1826]];

/** Show an alert on the chart: its symbol, a range that holds it, a line at its bar. @param {Store} store @param {Alert} alert */
function showAlert(store, alert) {
  const { view, series } = store.state;
  const inside = series?.symbol === alert.symbol && series.bars.length && series.bars[0].time <= alert.time;
  const age = (Date.now() - alert.time) / 86400e3;
  const range = DAYS.find(([, days]) => days > age)?.[0] ?? Object.keys(RANGES).at(-1) ?? "Max";
  store.setView({ page: "chart", symbol: alert.symbol, ...(inside ? {} : { range, interval: "auto" }) });
  store.set({ focus: view.symbol === alert.symbol && store.state.focus === alert ? null : alert });
}

/** @param {string} name @param {[string, string][]} options @param {() => void} changed */
function filter(name, options, changed) {
  return /** @type {HTMLSelectElement} */ (el("select", { "aria-label": name, onchange: changed }, ...options.map(([value, text]) => el("option", { value }, text))));
}

export class AlertsPanel {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    const changed = () => this.render();
    this.scope = filter("Whose alerts", [["all", "All symbols"], ["own", "This symbol"]], changed);
    this.kind = filter("Kind", [["", "Every kind"], ...Object.entries(CONDITIONS).map(([key, { label }]) => /** @type {[string, string]} */ ([key, label]))], changed);
    this.sent = filter("Delivery", [["", "All"], ["yes", "Delivered"], ["no", "Not delivered"]], changed);
    this.list = el("div.alerts");
    this.node = el("div.scroll", {}, el("div.panel-tools", {}, this.scope, this.kind, this.sent), this.list);
    this.key = "";
  }

  /** @returns {Alert[]} after the filters, newest first */
  get shown() {
    const { alerts, symbolAlerts } = this.store.state;
    return (this.scope.value === "own" ? symbolAlerts : (alerts ?? [])).filter((alert) =>
      (!this.kind.value || alert.condition === this.kind.value) && (!this.sent.value || (this.sent.value === "yes") === Boolean(alert.notifiedAt)));
  }

  /** @param {Alert} alert */
  #item(alert) {
    const { view, quotes } = this.store.state;
    const zone = view.clock === "local" ? ownZone() : (quotes.get(alert.symbol)?.zone ?? "UTC");
    const way = conditionWay(alert.condition);
    return el("li", {}, el("button.entry", { type: "button", "data-alert": alert.id, title: alert.message, onclick: () => showAlert(this.store, alert) },
      el("span.what", { "data-way": way }, `${arrowOf(way)} ${alert.symbol} · ${conditionLabel(alert.condition)}`), el("span.end", {}, formatPrice(alert.price)),
      el("small", {}, `${formatDay(alert.time, zone)} ${formatClock(alert.time, zone)}`), el("small.end", {}, alert.notifiedAt ? "delivered" : "not delivered")));
  }

  render() {
    const shown = this.shown;
    const key = JSON.stringify(shown) + this.store.state.view.clock + (this.store.state.alerts === null);
    if (key === this.key && this.list.childElementCount) return;
    this.key = key;
    const today = formatDate(Date.now(), "UTC");
    const groups = /** @type {[string, Alert[]][]} */ ([
      ["Today", shown.filter((alert) => formatDate(alert.time, "UTC") === today)],
      ["Before", shown.filter((alert) => formatDate(alert.time, "UTC") !== today)],
    ]);
    const nodes = groups.filter(([, list]) => list.length).flatMap(([title, list]) => [
      el("h2", {}, `${title} (${list.length}${list.length === KEPT ? "+" : ""})`), el("ul.list", {}, ...list.map((alert) => this.#item(alert))),
    ]);
    this.list.replaceChildren(...(nodes.length ? nodes : [el("p.hint", {}, this.store.state.alerts ? "Nothing has fired here." : "Loading alerts …")]));
  }
}
