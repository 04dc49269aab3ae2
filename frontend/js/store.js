// The page's state. Views never call each other: they change the store and render from it.

import { ownZone } from "./format.js";
import { USUAL_AVERAGES } from "./data/indicator_table.js";

/** @typedef {import("./types.js").View} View */

/**
 * @typedef {object} State
 * @property {View} view
 * @property {import("./types.js").Listed[]} symbols
 * @property {Map<string, import("./types.js").Quote>} quotes
 * @property {Map<string, number[]>} sparks closes of the last day by symbol
 * @property {import("./types.js").Series | null} series
 * @property {"loading" | "ready" | "empty" | "error"} chartState
 * @property {string} chartProblem
 * @property {import("./types.js").Link} link
 * @property {"off" | "connecting" | "on" | "mute" | "blocked"} push whether prices are pushed
 * @property {import("./types.js").Producer | null} producer null until one has reported
 * @property {number} lag seconds by which signals and alerts lag behind the stored prices
 * @property {number} messageLag seconds by which messages lag behind alerts
 * @property {{count: number, names: string[]}} silent number of silent symbols, and some of them
 * @property {number} waitingSince time since which there has been no price to show, milliseconds; 0
 *   if there is one
 * @property {import("./types.js").Alert[] | null} alerts null until fetched
 * @property {import("./types.js").Alert[]} symbolAlerts the open symbol's newest, of any age
 * @property {import("./types.js").Rule[] | null} rules null until fetched, or if the API has no
 *   rules
 * @property {"auto" | "dark" | "light"} theme
 * @property {import("./types.js").Alert | null} focus the alert that is shown on the chart
 * @property {import("./types.js").Judged | null} judged what the open alert's rule evaluated
 * @property {import("./types.js").Averages} averages
 * @property {number[]} preview times at which a rule would have fired, on the chart
 * @property {boolean} measuring true while the next drag over the chart measures
 * @property {string} chosen the active chart's symbol, empty if it is the main one
 * @property {boolean} picking true while the next click on the chart sets a rule's price
 */

/** @returns {State} */
export function initialState() {
  return {
    view: {
      page: "chart",
      symbol: "",
      range: "1D",
      interval: "auto",
      start: "",
      end: "",
      type: "candles",
      indicators: ["volume", "sma"],
      clock: "exchange",
      compare: [],
      drawings: [],
      desk: [],
      linked: "none",
      alert: "",
      from: 0,
      to: 0,
    },
    symbols: [],
    quotes: new Map(),
    sparks: new Map(),
    series: null,
    chartState: "loading",
    chartProblem: "",
    link: { state: "connecting", retryAt: 0, answeredAt: 0, reason: "" },
    push: "off",
    producer: null,
    lag: 0,
    messageLag: 0,
    silent: { count: 0, names: [] },
    waitingSince: 0,
    alerts: null,
    symbolAlerts: [],
    rules: null,
    theme: "auto",
    focus: null,
    judged: null,
    averages: USUAL_AVERAGES,
    preview: [],
    picking: false,
    measuring: false,
    chosen: "",
  };
}

export class Store extends EventTarget {
  /** @param {State} state */
  constructor(state) {
    super();
    this.state = state;
  }

  /** @param {Partial<State>} patch keys with identical values do not count as changes */
  set(patch) {
    const changed = Object.entries(patch).filter(
      ([key, value]) => /** @type {any} */ (this.state)[key] !== value,
    );
    if (!changed.length) return;
    this.state = { ...this.state, ...Object.fromEntries(changed) };
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed.map(([key]) => key)) }));
  }

  /** @param {Partial<View>} patch */
  setView(patch) {
    const same = Object.entries(patch).every(
      ([key, value]) => /** @type {any} */ (this.state.view)[key] === value,
    );
    if (!same) this.set({ view: { ...this.state.view, ...patch } });
  }

  /**
   * Show a symbol in the active chart; views/desk.js replaces this while there are several.
   * @param {string} symbol
   */
  choose = (symbol) => this.setView({ symbol });

  /** @param {string} symbol @returns {string} the zone in which its times are shown */
  zoneOf(symbol) {
    const { view, quotes } = this.state;
    return view.clock === "local" ? ownZone() : (quotes.get(symbol)?.zone ?? "UTC");
  }

  /**
   * Call `render` at most once per frame when one of `keys` has changed.
   * @param {(keyof State)[]} keys
   * @param {(state: State) => void} render
   */
  watch(keys, render) {
    let waiting = false;
    this.addEventListener("change", (event) => {
      const changed = /** @type {CustomEvent<Set<string>>} */ (event).detail;
      if (waiting || !keys.some((key) => changed.has(key))) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        render(this.state);
      });
    });
  }

  /**
   * Call `act` as soon as the result of `select` changes.
   * @template T
   * @param {(state: State) => T} select its results are compared with ===, so it must not build new
   *   objects
   * @param {(value: T) => void} act
   */
  when(select, act) {
    let last = select(this.state);
    this.addEventListener("change", () => {
      const value = select(this.state);
      if (value === last) return;
      last = value;
      act(value);
    });
  }
}
