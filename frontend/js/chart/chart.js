// The chart of a series: passes figures to Plotly and turns gestures into a zoom. It keeps no state
// of the page except the zoom's exact indices.

import { chartFigure } from "./figure.js";
import { Crosshair } from "./crosshair.js";
import { fullRange } from "./axis.js";
import { MARGIN } from "./panes.js";
import { indexAt } from "../data/series.js";
import { lengthOf } from "../ranges.js";
import { drawnLayout, fullLayout } from "./plot_layout.js";
import { loaded, plotly } from "./plotly.js";
import { sketchOf } from "./sketch.js";

/** @typedef {import("../types.js").Series} Series */
/** @typedef {import("../data/indicator_table.js").Computed} Computed */

const CONFIG = {
  scrollZoom: true,
  displayModeBar: false,
  doubleClick: false,
  showTips: false,
  showSendToCloud: false,
  responsive: false,
  displaylogo: false,
};

export class PriceChart extends EventTarget {
  /** @param {HTMLElement} node where Plotly draws @param {HTMLElement} layer over it */
  constructor(node, layer) {
    super();
    this.node = node;
    this.crosshair = new Crosshair(node, layer);
    /** @type {[number, number] | null} */
    this.zoom = null;
    this.revision = "";
    /** @type {{series: Series, computed: Computed, choices: any} | null} */
    this.shown = null;
    /** @type {SVGElement | undefined} what is shown until Plotly is loaded */
    this.sketch = undefined;
    this.bound = false;
    this.resets = 0;
    this.frame = 0;
    void loaded.then(() => this.draw());
  }

  /**
   * Draw or update the chart.
   * @param {Series} series @param {Computed} computed
   * @param {Omit<import("./figure.js").Choices, "zoom" | "width" | "height">} choices
   * @param {[number, number] | null} times the initial zoom in milliseconds; used if symbol, range
   *   or bar size differ from the last call's
   */
  show(series, computed, choices, times) {
    const revision = `${series.symbol}:${series.range}:${series.interval}`;
    if (revision !== this.revision) this.resets = 0;
    if (revision !== this.revision) this.zoom = times ? this.#indices(series, times) : null;
    this.revision = revision;
    this.shown = { series, computed, choices };
    this.draw();
  }

  draw() {
    if (!this.shown) return;
    const { series, computed, choices } = this.shown;
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    const { data, layout } = chartFigure(series, computed, {
      ...choices,
      zoom: this.zoom && [...this.zoom], // Plotly changes it while the reader drags
      width: width - MARGIN.l - MARGIN.r,
      height: height - MARGIN.t - MARGIN.b,
    });
    this.sketch?.remove();
    if (plotly()) {
      if (this.resets) layout.uirevision += `:${this.resets}`;
      plotly().react(this.node, data, { ...layout, width, height }, CONFIG);
      if (!this.bound) this.#bind();
    } else {
      const full = fullLayout(layout, width, height);
      this.sketch = sketchOf(data, full);
      this.node.append(this.sketch);
      /** @type {any} */ (this.node).sketched = full;
    }
    this.dispatchEvent(new Event("drawn"));
  }

  /** Redraw if the element's size has changed. */
  fit() {
    const drawn = drawnLayout(this.node);
    if (drawn?.width !== this.node.clientWidth || drawn?.height !== this.node.clientHeight)
      this.draw();
  }

  #bind() {
    this.bound = true;
    const node = /** @type {any} */ (this.node);
    node.on("plotly_relayout", (/** @type {any} */ change) => {
      const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (range[0] == null || (this.zoom && range[0] === this.zoom[0] && range[1] === this.zoom[1]))
        return;
      this.#setZoom([Number(range[0]), Number(range[1])]);
    });
    node.on("plotly_relayouting", () => this.dispatchEvent(new Event("drawn")));
    node.on("plotly_doubleclick", () => this.reset());
  }

  /** @param {[number, number] | null} zoom */
  #setZoom(zoom) {
    this.zoom = zoom;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.draw();
      this.dispatchEvent(new CustomEvent("zoom", { detail: this.times() }));
    });
  }

  reset() {
    if (!this.zoom) return;
    // Plotly keeps a gesture's range while uirevision is the same, so a reset needs a new one.
    this.resets += 1;
    this.#setZoom(null);
  }

  /**
   * @param {number} factor below 1 to see fewer bars
   * @param {number} [shift] share of the visible bars to move by
   */
  zoomBy(factor, shift = 0) {
    if (!this.shown) return;
    const { first, bars } = this.shown.series;
    const [a, b] = this.zoom ?? fullRange(first, bars.length);
    const span = Math.max(5, (b - a) * factor);
    const middle = (a + b) / 2 + (b - a) * shift;
    this.#setZoom([middle - span / 2, middle + span / 2]);
  }

  /** Show a part of the axis. @param {[number, number]} range */
  zoomOn(range) {
    this.#setZoom(range);
  }

  /**
   * Show the times that another chart shows; no "zoom" event follows.
   * @param {[number, number] | null} times milliseconds; null shows all bars, as do times in which
   *   this series has none
   */
  showTimes(times) {
    if (!this.shown) return;
    this.zoom = times && this.#indices(this.shown.series, times);
    if (!this.zoom) this.resets += 1;
    this.draw();
  }

  /** Bring an instant into view. @param {number} time */
  reveal(time) {
    if (!this.shown) return;
    const index = indexAt(this.shown.series, time);
    const [a, b] = this.zoom ?? fullRange(this.shown.series.first, this.shown.series.bars.length);
    if (index < a || index > b) this.#setZoom([index - (b - a) / 2, index + (b - a) / 2]);
  }

  /** @returns {[number, number] | null} the zoom as times in milliseconds, which fit any symbol */
  times() {
    if (!this.zoom || !this.shown) return null;
    return [this.#timeAt(this.zoom[0]), this.#timeAt(this.zoom[1])];
  }

  /** @param {number} index @returns {number} milliseconds; extrapolated beyond the ends */
  #timeAt(index) {
    const { series } = /** @type {NonNullable<typeof this.shown>} */ (this.shown);
    const last = series.first + series.bars.length - 1;
    const inside = Math.min(last, Math.max(series.first, Math.floor(index)));
    return Math.round(
      series.bars[inside - series.first].time + (index - inside) * lengthOf(series.interval),
    );
  }

  /**
   * @param {Series} series @param {[number, number]} times milliseconds
   * @returns {[number, number] | null} axis indices; null if the times span fewer than two bars
   */
  #indices(series, times) {
    const length = lengthOf(series.interval);
    const [from, to] = times.map((time) => {
      const index = indexAt(series, time);
      const part = (time - series.bars[index - series.first].time) / length;
      const last = index === series.first + series.bars.length - 1;
      return index + Math.max(-60, Math.min(last ? 60 : 0.99, part));
    });
    return to - from >= 2 && to > series.first && from < series.first + series.bars.length
      ? [from, to]
      : null;
  }
}
