// The desk: up to three charts beside the main one. Its panels change the page's view, which the
// address keeps, and render from it. Loaded with the first layout of several charts.

import { shownOf, withChart } from "../data/desk.js";
import { el, setText } from "../dom.js";
import { withStyles } from "../styles.js";
import { CrossLine, Followers } from "./linked_time.js";
import { Panel } from "./desk_panel.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */

/** @returns {Promise<void>} resolves once the desk's styles apply or cannot be loaded */
export const styled = () => withStyles("css/desk.css");

export class Desk {
  /**
   * @param {import("../api.js").Api} api
   * @param {import("../feed.js").Feed} feed its polls load the bars of all charts
   * @param {ChartView} main
   */
  constructor(api, feed, main) {
    this.api = api;
    this.feed = feed;
    this.main = main;
    this.store = main.store;
    this.mainLoader = feed.loaders[0];
    this.active = 0; // 0 is the main chart
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {Map<ChartView, CrossLine>} */
    this.lines = new Map();
    this.followers = new Followers();
    this.name = el("b.chart-name", { hidden: true });
    main.section.querySelector(".readout")?.prepend(this.name);
    this.#attend(main, 0, main.section);
    this.store.choose = (symbol) => this.choose(symbol);
    this.store.when(
      ({ view }) => view,
      () => this.#update(),
    );
    this.#update();
  }

  /** @param {import("../types.js").View["linked"]} by */
  isLinked(by) {
    const { desk, linked } = this.store.state.view;
    return desk.length > 0 && linked === by;
  }

  /** @returns {string} the active panel's symbol; empty if the main chart is the active one */
  get chosen() {
    const { view } = this.store.state;
    return this.active && view.page === "chart" ? shownOf(view, this.active - 1).symbol : "";
  }

  /** Show a symbol in the active chart, or in all linked by symbol. @param {string} symbol */
  choose(symbol) {
    if (this.chosen) this.change(this.active, { symbol });
    else this.store.setView({ symbol });
  }

  /**
   * Change what a panel shows.
   * @param {number} number 1 to 3 @param {Partial<import("../data/desk.js").Chart>} change
   */
  change(number, change) {
    this.store.setView(withChart(this.store.state.view, number - 1, change));
  }

  /** Make a chart the one that the watch-list changes. @param {number} number 0: the main chart */
  activate(number) {
    this.active = number;
    this.#mark();
  }

  #update() {
    const { view } = this.store.state;
    while (this.panels.length < view.desk.length) this.#add();
    const open = this.panels.slice(0, view.desk.length);
    this.panels.forEach((panel, i) => panel.show(i < open.length && view.page === "chart"));
    open.forEach((panel, i) => {
      const shown = shownOf(view, i);
      const { page, type, clock, indicators, from, to } = view;
      panel.take({
        ...shown,
        ...{ page, type, clock, indicators },
        ...(this.isLinked("time") ? { from, to } : {}),
      });
    });
    // without a symbol a closed chart loads nothing, even when the page resumes after a pause
    for (const { store } of this.panels.slice(open.length)) store.take({ symbol: "" });
    this.feed.loaders = [this.mainLoader, ...open.map(({ loader }) => loader)];
    if (this.active > open.length) this.active = 0;
    this.#mark();
  }

  #add() {
    const panel = new Panel(this, this.panels.length + 1);
    this.panels.push(panel);
    (this.panels.at(-2)?.node ?? this.main.section).after(panel.node);
    this.#attend(panel.view, panel.number, panel.node);
  }

  /** Show which chart is the active one. */
  #mark() {
    const { view } = this.store.state;
    const isAlone = !view.desk.length;
    const nodes = [this.main.section, ...this.panels.map(({ node }) => node)];
    nodes.forEach((node, i) => {
      if (i === this.active && !isAlone) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
    });
    this.name.hidden = isAlone;
    setText(this.name, view.symbol);
    this.store.set({ chosen: this.chosen });
  }

  /** @param {ChartView} chart @param {number} number @param {HTMLElement} node activates it */
  #attend(chart, number, node) {
    for (const kind of ["pointerdown", "focusin"])
      node.addEventListener(kind, () => this.activate(number));
    this.lines.set(chart, new CrossLine(chart));
    chart.store.when(
      ({ view: { from, to } }) => `${from} ${to}`,
      () => this.isLinked("time") && this.followers.add(chart),
    );
    chart.chart.addEventListener("pointed", (event) => {
      const index = /** @type {CustomEvent<number | null>} */ (event).detail;
      const isShared = index !== null && this.isLinked("time");
      const time = isShared ? chart.timeOf(index) : null;
      for (const [other, line] of this.lines)
        if (other === chart) line.hide();
        else line.show(time);
    });
  }
}
