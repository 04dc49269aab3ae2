// The list of today's and earlier alerts, of all symbols or of the open one.

import { KEPT } from "../alerts_feed.js";
import { el, setText } from "../dom.js";
import { CONDITIONS, deliveryOf } from "../data/conditions.js";
import { collapse } from "../data/fired.js";
import { formatDate } from "../format.js";
import { alertLine, fillLines, stormLine } from "./alert_lines.js";
import { openMutes } from "./mute_links.js";
import { showAlert } from "./show_alert.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../store.js").Store} Store */

/** @param {string} name @param {[string, string][]} options @param {() => void} changed */
function filter(name, options, changed) {
  return /** @type {HTMLSelectElement} */ (
    el(
      "select",
      { "aria-label": name, onchange: changed },
      ...options.map(([value, text]) => el("option", { value }, text)),
    )
  );
}

/**
 * @param {string} title
 * @returns {{title: string, head: HTMLElement, list: HTMLElement, lines: Map<string,
 *   import("./alert_lines.js").Line>}}
 */
const section = (title) => ({
  title,
  head: el("h2", { hidden: true }),
  list: el("ul.list"),
  lines: new Map(),
});

export class AlertsPanel {
  /** @param {Store} store @param {import("../api.js").Api} api */
  constructor(store, api) {
    this.store = store;
    this.api = api;
    const changed = () => this.render();
    this.scope = filter(
      "Whose alerts",
      [
        ["all", "All symbols"],
        ["own", "This symbol"],
      ],
      changed,
    );
    this.kind = filter(
      "Kind",
      [
        ["", "All kinds"],
        ...Object.entries(CONDITIONS).map(
          ([key, { label }]) => /** @type {[string, string]} */ ([key, label]),
        ),
      ],
      changed,
    );
    this.sent = filter(
      "Delivery",
      [
        ["", "All"],
        ["delivered", "Delivered"],
        ["held", "Held"],
        ["not delivered", "Not delivered"],
      ],
      changed,
    );
    this.sections = [section("Today"), section("Earlier")];
    this.hint = el("p.hint");
    this.node = el(
      "div.scroll",
      {},
      el("div.panel-tools", {}, this.scope, this.kind, this.sent),
      el("div.alerts", {}, ...this.sections.flatMap(({ head, list }) => [head, list]), this.hint),
    );
    /** @type {Set<string> | null} ids of the last rendered alerts, null before any answer */
    this.known = null;
    /** @type {unknown[]} the inputs of the last rendering */
    this.from = [];
  }

  /** @returns {Alert[]} the filtered alerts, newest first */
  get shown() {
    const { alerts, symbolAlerts } = this.store.state;
    return (this.scope.value === "own" ? symbolAlerts : (alerts ?? [])).filter(
      (alert) =>
        (!this.kind.value || alert.condition === this.kind.value) &&
        (!this.sent.value || this.sent.value === deliveryOf(alert)),
    );
  }

  render() {
    const { view, quotes, focus, alerts, symbolAlerts } = this.store.state;
    const today = formatDate(Date.now(), "UTC");
    const isToday = (/** @type {Alert} */ alert) => formatDate(alert.time, "UTC") === today;
    const from = [
      alerts,
      symbolAlerts,
      focus,
      view.clock,
      quotes.size,
      today,
      this.scope.value,
      this.kind.value,
      this.sent.value,
    ];
    if (from.every((value, i) => value === this.from[i])) return;
    this.from = from;
    const { shown } = this;
    const ids = alerts && new Set(alerts.map(({ id }) => id));
    const context = {
      focus,
      fresh: (/** @type {Alert} */ { id }) =>
        Boolean(this.known && ids?.has(id) && !this.known.has(id)),
      zone: (/** @type {string} */ symbol) => this.store.zoneOf(symbol),
      show: (/** @type {Alert} */ alert) => showAlert(this.store, alert),
      mute: (/** @type {Alert} */ { symbol, ruleId }) => openMutes(this.api, { symbol, ruleId }),
    };
    [shown.filter(isToday), shown.filter((alert) => !isToday(alert))].forEach((list, i) =>
      this.#fill(this.sections[i], list, context),
    );
    this.hint.hidden = shown.length > 0;
    setText(this.hint, alerts ? "No alerts to show." : "Loading alerts …");
    this.known = ids;
  }

  /**
   * @param {ReturnType<typeof section>} section @param {Alert[]} alerts newest first
   * @param {import("./alert_lines.js").Context} context
   */
  #fill({ title, head, list, lines }, alerts, context) {
    const make = (/** @type {Alert[]} */ { length }) => (length > 1 ? stormLine() : alertLine());
    head.hidden = alerts.length === 0;
    setText(head, `${title} (${alerts.length}${alerts.length === KEPT ? "+" : ""})`);
    fillLines(list, lines, collapse(alerts), make, context);
  }
}
