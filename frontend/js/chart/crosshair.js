// HTML over the plot: the crosshair and its tags, the last price's line and tag, and the line at
// the selected alert. To move an element takes a tenth of the time of a Plotly update. So the price
// can follow every poll.

import { el, setText } from "../dom.js";
import { indexOf, levelAt, yOf, bottomOf, xOf, plotOf } from "./plot_layout.js";

/** @param {HTMLElement} node @param {number} x @param {number} y */
function place(node, x, y) {
  node.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

export class Crosshair {
  /**
   * @param {HTMLElement} plot the element that Plotly draws into
   * @param {HTMLElement} layer the layer over it
   */
  constructor(plot, layer) {
    this.plot = plot;
    this.priceLine = el("div.price-line");
    this.priceTag = el("div.tag.price-tag");
    this.vertical = el("div.cross-v");
    this.horizontal = el("div.cross-h");
    this.timeTag = el("div.tag.cross-tag");
    this.levelTag = el("div.tag.cross-tag.cross-level");
    this.marker = el("div.focus-line");
    for (const node of [
      this.priceLine,
      this.priceTag,
      this.vertical,
      this.horizontal,
      this.timeTag,
      this.levelTag,
      this.marker,
    ]) {
      node.hidden = true;
      layer.append(node);
    }
  }

  /**
   * Move the last price's line and tag. A price out of view keeps only its tag, at the edge.
   * @param {number | null} price null hides both
   * @param {string} text @param {"up" | "down" | "flat"} way
   */
  setPrice(price, text, way) {
    const box = plotOf(this.plot);
    const shown = Boolean(box && price !== null);
    this.priceTag.hidden = this.priceLine.hidden = !shown;
    if (!box || price === null) return;
    const y = Math.min(box.top + box.height, Math.max(box.top, yOf(box, price)));
    const outside = y !== yOf(box, price);
    this.priceLine.hidden = outside;
    this.priceLine.style.width = `${box.width}px`;
    place(this.priceLine, box.left, y);
    place(this.priceTag, box.left + box.width + 1, y - 10);
    setText(this.priceTag, text);
    for (const node of [this.priceLine, this.priceTag]) node.dataset.way = way;
    this.priceTag.classList.toggle("outside", outside);
  }

  /**
   * Show the crosshair at a position in pixels of the plot's container.
   * @param {number} px @param {number} py @param {(index: number) => string} timeText
   * @param {(value: number, axis: string) => string} levelText
   * @returns {number | null} the index under the crosshair, null outside of the panes
   */
  showCross(px, py, timeText, levelText) {
    const box = plotOf(this.plot);
    if (
      !box ||
      px < box.left ||
      px > box.left + box.width ||
      py < box.top ||
      py > bottomOf(this.plot)
    ) {
      this.hideCross();
      return null;
    }
    const index = Math.round(indexOf(box, px));
    const x = xOf(box, index);
    const level = levelAt(this.plot, py);
    const bottom = bottomOf(this.plot);
    this.vertical.hidden = this.timeTag.hidden = x < box.left || x > box.left + box.width;
    this.horizontal.hidden = this.levelTag.hidden = !level;
    this.vertical.style.height = `${bottom - box.top}px`;
    this.horizontal.style.width = `${box.width}px`;
    place(this.vertical, x, box.top);
    place(this.horizontal, box.left, py);
    setText(this.timeTag, timeText(index));
    if (level) setText(this.levelTag, levelText(level.value, level.axis));
    const half = this.timeTag.offsetWidth / 2;
    place(
      this.timeTag,
      Math.min(box.left + box.width - half, Math.max(box.left + half, x)) - half,
      bottom + 3,
    );
    place(this.levelTag, box.left + box.width + 1, py - 10);
    return index;
  }

  hideCross() {
    for (const node of [this.vertical, this.horizontal, this.timeTag, this.levelTag])
      node.hidden = true;
  }

  /** Show the selected alert's line. @param {number | null} index on the axis; null for none */
  setFocus(index) {
    const box = plotOf(this.plot);
    const x = box && index !== null ? xOf(box, index) : -1;
    this.marker.hidden = !box || x < box.left || x > box.left + box.width;
    if (!box || this.marker.hidden) return;
    this.marker.style.height = `${bottomOf(this.plot) - box.top}px`;
    place(this.marker, x, box.top);
  }
}
