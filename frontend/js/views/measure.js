// The measuring tool: a box between two bars and prices, with the change in price and percent and
// the bars between them. Loaded on demand.

import { boundPrice } from "../chart/price_steps.js";
import { endsOf, isOf, measuredText, written } from "../chart/measured.js";
import { indexOf, plotOf, priceOf, xOf, yOf } from "../chart/plot_layout.js";
import { barAt } from "../data/series.js";
import { arrange, byId, el, setText } from "../dom.js";
import { wayOf } from "../format.js";

/** @typedef {import("../chart/measured.js").Point} Point */
/** @typedef {import("../chart/plot_layout.js").Plot} Plot */

/** Half of the width of a measurement's label, in pixels. */
const LABEL = 100;

export class Measure {
  /**
   * @param {import("./chart_view.js").ChartView} view
   * @param {import("./chart_note.js").ChartNote} note
   */
  constructor(view, note) {
    this.view = view;
    this.note = note;
    this.layer = el("div.measures", { role: "group", "aria-label": "Measurements" });
    byId("chart").append(el("div.rule-layer", {}, this.layer));
    /** @type {Map<string, {box: HTMLElement, label: HTMLElement}>} by their text in the link */
    this.nodes = new Map();
    /** @type {[Point, Point] | null} of the measurement being drawn */
    this.ends = null;
    this.drag = new AbortController();
    const { store, chart } = view;
    chart.addEventListener("drawn", () => this.render());
    chart.addEventListener("stepped", (event) =>
      this.#step(/** @type {CustomEvent<number>} */ (event).detail),
    );
    store.watch(["view"], () => this.render());
    store.when(
      ({ view: { symbol, page }, picking }) => [symbol, page, picking].join(),
      () => this.cancel(),
    );
    this.render();
  }

  get series() {
    return this.view.store.state.series;
  }

  /** Measure until the pointer is released. @param {PointerEvent} down */
  begin(down) {
    this.cancel();
    const from = this.#pointAt(down);
    if (!from) return;
    const { signal } = this.#hold([from, from]);
    const follow = (/** @type {PointerEvent} */ event) => {
      const to = this.#pointAt(event);
      if (to) this.#moveTo(to);
    };
    document.addEventListener("pointermove", follow, { signal });
    document.addEventListener("pointerup", () => this.#keep(), { signal });
    document.addEventListener("pointercancel", () => this.cancel(), { signal });
  }

  /** Measure from a bar's close with keys. @param {number | null} index null: the last bar */
  beginAt(index) {
    this.cancel();
    const { series } = this;
    if (!series?.bars.length) return;
    const last = series.first + series.bars.length - 1;
    const from = this.#closeOf(index ?? last);
    if (!from) return;
    this.#hold([from, from]);
    this.note.show("Left and right move to another bar. Enter keeps the measurement, Esc cancels.");
  }

  /** @param {[Point, Point]} ends @returns {AbortController} aborted when measuring ends */
  #hold(ends) {
    this.ends = ends;
    this.drag = new AbortController();
    const { signal } = this.drag;
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" && event.key !== "Enter") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter") this.#keep();
      else this.cancel();
    };
    document.addEventListener("keydown", onKey, { signal, capture: true });
    this.render();
    return this.drag;
  }

  /** @param {number} index */
  #step(index) {
    const to = this.#closeOf(index);
    if (this.ends && to) this.#moveTo(to);
  }

  /** @param {number} index @returns {Point | null} */
  #closeOf(index) {
    const bar = this.series && barAt(this.series, index);
    return bar ? { index, price: bar.close } : null;
  }

  /**
   * @param {PointerEvent} event
   * @returns {Point | null} the nearest bar, and the price at the pointer
   */
  #pointAt({ clientX, clientY }) {
    const { series } = this;
    const plot = plotOf(byId("plot"));
    if (!plot || !series?.bars.length) return null;
    const { left, top } = byId("plot").getBoundingClientRect();
    const last = series.first + series.bars.length - 1;
    const index = Math.round(indexOf(plot, clientX - left));
    return {
      index: Math.min(last, Math.max(series.first, index)),
      price: boundPrice(priceOf(plot, clientY - top), plot.y, this.view.places),
    };
  }

  /** @param {Point} to */
  #moveTo(to) {
    if (!this.ends) return;
    this.ends = [this.ends[0], to];
    setText(byId("announce"), measuredText(this.ends, this.view.places));
    this.render();
  }

  /** Keep the measurement in the link. */
  #keep() {
    const { ends, series } = this;
    const { store } = this.view;
    this.cancel();
    if (!ends || !series) return;
    const [from, to] = ends;
    if (from.index === to.index && from.price === to.price)
      return this.note.show("Nothing was measured. Drag from one point to another.");
    store.setView({ drawings: [...store.state.view.drawings, written(series, ends)] });
  }

  /** End measuring without keeping the measurement. */
  cancel() {
    this.drag.abort();
    if (!this.ends) return;
    this.ends = null;
    this.note.hide();
    this.view.store.set({ measuring: false });
    this.render();
  }

  /** @param {string} text of the link */
  #delete(text) {
    const { store } = this.view;
    const before = store.state.view.drawings;
    store.setView({ drawings: before.filter((other) => other !== text) });
    byId("chart").focus({ preventScroll: true });
    this.note.show("Measurement deleted.", [
      [
        "Undo",
        () => {
          store.setView({ drawings: [...store.state.view.drawings, text] });
          this.note.hide();
        },
      ],
    ]);
  }

  render() {
    const { series, ends } = this;
    const { view } = this.view.store.state;
    const plot = plotOf(byId("plot"));
    this.layer.hidden = !plot || series?.symbol !== view.symbol;
    if (!plot || !series || this.layer.hidden) return;
    const kept = view.drawings.filter((text) => isOf(text, series.symbol));
    const shown = [...kept, ""].flatMap((text) => {
      const found = text ? endsOf(series, text) : ends;
      return found ? { text, found } : [];
    });
    const known = new Set(shown.map(({ text }) => text));
    for (const text of this.nodes.keys()) if (!known.has(text)) this.nodes.delete(text);
    const { style } = this.layer;
    style.translate = `${plot.left}px ${plot.top}px`;
    [style.width, style.height] = [`${plot.width}px`, `${plot.height}px`];
    arrange(
      this.layer,
      shown.flatMap(({ text, found }) => this.#place(text, found, plot)),
    );
  }

  /**
   * @param {string} text of the link, "" for the one being drawn
   * @param {[Point, Point]} ends @param {Plot} plot
   * @returns {HTMLElement[]} its box, and its figures on a button that deletes it
   */
  #place(text, ends, plot) {
    const made = this.nodes.get(text) ?? {
      box: el("div.measured"),
      label: el("button.tag.measured-text", { onclick: () => text && this.#delete(text) }),
    };
    this.nodes.set(text, made);
    const { box, label } = made;
    const [a, b] = ends.map(({ index, price }) => ({
      x: xOf(plot, index) - plot.left,
      y: yOf(plot, price) - plot.top,
    }));
    const way = wayOf(ends[1].price - ends[0].price);
    const [top, height] = [Math.min(a.y, b.y), Math.abs(a.y - b.y)];
    const outside = way === "down" ? top + height + 4 : top - 24;
    box.dataset.way = label.dataset.way = way;
    box.style.translate = `${Math.min(a.x, b.x)}px ${top}px`;
    box.style.width = `${Math.abs(a.x - b.x)}px`;
    box.style.height = `${height}px`;
    const middle = Math.max(LABEL, Math.min(plot.width - LABEL, (a.x + b.x) / 2));
    label.style.left = `${middle}px`;
    label.style.top = `${Math.max(0, Math.min(plot.height - 22, outside))}px`;
    const said = measuredText(ends, this.view.places);
    setText(label, text ? `${said} ✕` : said);
    const times = ends.map(({ index }) => this.view.timeText(index)).join(" to ");
    const deleting = text ? "Delete the measurement " : "";
    label.setAttribute("aria-label", `${deleting}${said}, ${times}`);
    return [box, label];
  }
}
