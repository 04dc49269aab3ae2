// The visible range and the crosshair that charts linked by time share.

import { bottomOf, plotOf, xOf } from "../chart/plot_layout.js";
import { indexAt } from "../data/series.js";
import { el } from "../dom.js";
import { lengthOf } from "../ranges.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */

/** Zooms charts to the times of their views, one chart per frame: drawing takes up to 40 ms. */
export class Followers {
  constructor() {
    /** @type {Set<ChartView>} */
    this.behind = new Set();
    this.frame = 0;
  }

  /** @param {ChartView} view */
  add(view) {
    this.behind.add(view);
    this.frame ||= requestAnimationFrame(() => this.#next());
  }

  #next() {
    const [view] = this.behind;
    this.behind.delete(view);
    const { from, to } = view.store.state.view;
    if (String(view.chart.times() ?? [0, 0]) !== String([from, to]))
      view.chart.showTimes(from ? [from, to] : null);
    this.frame = this.behind.size ? requestAnimationFrame(() => this.#next()) : 0;
  }
}

/** Shows another chart's crosshair on this one: a line at its time, and the bar in the readout. */
export class CrossLine {
  /** @param {ChartView} view */
  constructor(view) {
    this.view = view;
    this.node = el("div.cross-v", { hidden: true });
    /** @type {number | null} axis index of the bar in the readout */
    this.index = null;
    view.section.querySelector(".overlay")?.append(this.node);
  }

  hide() {
    this.node.hidden = true;
    this.index = null;
  }

  /** @param {number | null} time milliseconds, null for none */
  show(time) {
    const index = time === null ? null : this.#indexAt(time);
    if (index === null && this.index === null) return;
    this.index = index;
    this.view.chart.crosshair.hideCross(); // a pointer at rest may have left it
    const plot = plotOf(this.view.chart.node);
    const x = plot && index !== null ? xOf(plot, index) : -1;
    this.node.hidden = !plot || x < plot.left || x > plot.left + plot.width;
    this.view.readout.show(index);
    if (!plot || this.node.hidden) return;
    this.node.style.height = `${bottomOf(this.view.chart.node) - plot.top}px`;
    this.node.style.transform = `translate(${Math.round(x)}px, ${Math.round(plot.top)}px)`;
  }

  /** @param {number} time @returns {number | null} null before the first and after the last bar */
  #indexAt(time) {
    const { series } = this.view.store.state;
    if (!series?.bars.length || time < series.bars[0].time) return null;
    const isLate = time >= series.bars[series.bars.length - 1].time + lengthOf(series.interval);
    return isLate ? null : indexAt(series, time);
  }
}
