// A chart of the desk beside the main one, with its own head, store and loader. It shares the
// page's symbols, quotes and theme.

import { without } from "../data/desk.js";
import { wantedIndicators } from "../data/indicator_table.js";
import { byId, el } from "../dom.js";
import { Loader } from "../loader.js";
import { Store, initialState } from "../store.js";
import { bindKeys } from "./chart_keys.js";
import { mountChart } from "./chart_view.js";
import { deskHead } from "./desk_head.js";

/** @typedef {import("../types.js").View} View @typedef {import("./desk.js").Desk} Desk */

/** @type {(keyof import("../store.js").State)[]} */
const SHARED = ["symbols", "quotes", "link", "producer", "waitingSince", "averages", "theme"];
const KEYS = "Left and right move the crosshair, plus and minus zoom, 0 shows everything.";

/** @param {Store} store the page's @returns {Partial<import("../store.js").State>} */
const sharedOf = ({ state }) => Object.fromEntries(SHARED.map((key) => [key, state[key]]));

/** A panel's state. Its view is derived from the page's view, so most changes are made there. */
class PanelStore extends Store {
  /** @param {Desk} desk @param {number} number */
  constructor(desk, number) {
    super({ ...initialState(), ...sharedOf(desk.store) });
    this.desk = desk;
    this.number = number;
  }

  /** @param {Partial<View>} change a zoom, or the loader's "1Y" for a symbol that only has days */
  setView({ from, to, range }) {
    if (range && this.desk.isLinked("time")) this.desk.change(this.number, { interval: "1d" });
    else if (range) this.desk.change(this.number, { range });
    else if (this.desk.isLinked("time")) this.desk.store.setView({ from, to });
    else super.setView({ from, to });
  }

  /** Update the view without changing the page's. @param {Partial<View>} view */
  take(view) {
    super.setView(view);
  }
}

export class Panel {
  /** @param {Desk} desk @param {number} number 1 to 3 */
  constructor(desk, number) {
    this.desk = desk;
    this.number = number;
    const parts = ["readout", "plot", "overlay", "chart-message"];
    this.section = el(
      "section.chart",
      { tabIndex: 0 },
      ...parts.map((name) =>
        el(`div.${name}`, name === "overlay" ? { "aria-hidden": "true" } : {}),
      ),
    );
    this.section.querySelector(".chart-message")?.setAttribute("role", "status");
    this.store = new PanelStore(desk, number);
    this.head = deskHead(
      number + 1,
      (change) => desk.change(number, change),
      () => this.#close(),
    );
    this.node = el("section.desk-panel", {}, this.head.node, this.section);
    this.view = mountChart(this.store, this.section);
    this.loader = new Loader(desk.api, this.store);
    bindKeys(this.view);
    desk.store.addEventListener("change", () => this.store.set(sharedOf(desk.store)));
    this.store.watch(["view", "quotes", "symbols", "series"], () => this.#render());
  }

  /** @param {boolean} shown */
  show(shown) {
    this.node.hidden = !shown;
  }

  /** @param {Pick<View, "symbol" | "range" | "interval" | "start"> & Partial<View>} view */
  take(view) {
    const { range, interval, start } = this.store.state.view;
    const isSame = range === view.range && interval === view.interval && start === view.start;
    const indicators = (view.indicators ?? []).filter((key) => !this.#hasPane(key));
    const isKnown = String(indicators) === String(this.store.state.view.indicators);
    this.store.take({
      ...(isSame ? {} : { from: 0, to: 0 }),
      ...view,
      indicators: isKnown ? this.store.state.view.indicators : indicators,
    });
    this.#render();
  }

  /** @param {string} key of an indicator @returns {boolean} whether it has a pane of its own */
  #hasPane(key) {
    return wantedIndicators(this.store.state.averages, [key]).some(({ pane }) => pane);
  }

  #close() {
    const { store } = this.desk;
    store.setView(without(store.state.view, this.number - 1));
    byId("chart").focus({ preventScroll: true });
  }

  #render() {
    const { symbol } = this.store.state.view;
    this.head.render(this.store.state);
    this.node.setAttribute("aria-label", `Chart ${this.number + 1}: ${symbol}`);
    this.section.setAttribute("aria-label", `Price chart of ${symbol}. ${KEYS}`);
  }
}
