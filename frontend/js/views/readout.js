// Shows open, high, low, close and volume of the bar under the crosshair, or of the last one, and
// the values of the indicators.

import { el, setText } from "../dom.js";
import { wantedIndicators } from "../data/indicator_table.js";
import { barAt } from "../data/series.js";
import { formatPrice, formatVolume, wayOf } from "../format.js";

const BELOW = 2; // pixels between the legend and the plot

/** @param {HTMLElement} node @param {import("./chart_view.js").ChartView} view */
export function mountReadout(node, view) {
  const time = el("span.time");
  const values = Object.fromEntries(["O", "H", "L", "C", "V"].map((letter) => [letter, el("b")]));
  const bars = el(
    "span",
    {},
    ...Object.entries(values).flatMap(([letter, value]) => [` ${letter} `, value]),
  );
  const lines = el("span.lines");
  node.append(time, bars, lines);
  /** @type {number | null} */
  let at = null;
  let [room, drawn] = [0, ""];

  /** Begin the plot below the legend, which stays as high as it was while its values change. */
  const makeRoom = () => {
    const { offsetTop, offsetHeight, offsetWidth } = node;
    if (!offsetHeight) return;
    const now = `${offsetWidth} ${lines.childElementCount}`;
    const needed = offsetTop + offsetHeight + BELOW;
    const next = now === drawn ? Math.max(room, needed) : needed;
    drawn = now;
    if (next === room) return;
    room = next;
    view.section.style.setProperty("--legend", `${room}px`);
  };
  new ResizeObserver(() => requestAnimationFrame(makeRoom)).observe(node);

  const render = () => {
    const { series } = view.store.state;
    if (!series?.bars.length) return;
    const index = at ?? series.first + series.bars.length - 1;
    const bar = barAt(series, index);
    if (!bar) return;
    setText(time, view.timeText(index));
    /** @type {[string, number][]} */
    const prices = [
      ["O", bar.open],
      ["H", bar.high],
      ["L", bar.low],
      ["C", bar.close],
    ];
    for (const [letter, price] of prices) setText(values[letter], formatPrice(price, view.places));
    setText(values.V, formatVolume(bar.volume));
    values.C.dataset.way = wayOf(bar.close - bar.open);
    renderLines(index - series.first);
  };

  const renderLines = (/** @type {number} */ i) => {
    const { lines: computed } = view.computed;
    const { averages, view: choices } = view.store.state;
    const shown = wantedIndicators(averages, choices.indicators)
      .flatMap(({ lines }) => lines ?? [])
      .filter(({ name }) => computed[name]);
    const text = shown.map(
      ({ name, label, places = view.places }) =>
        `${label} ${formatPrice(computed[name][i], places)}`,
    );
    if (lines.childElementCount !== shown.length)
      lines.replaceChildren(...shown.map(() => el("span.line", {}, el("span.key"), el("span"))));
    shown.forEach(({ color }, n) => {
      const [key, label] = /** @type {HTMLCollectionOf<HTMLElement>} */ (
        lines.children[n].children
      );
      key.style.background = view.colors[color];
      setText(label, text[n]);
    });
  };
  return {
    render() {
      render();
      makeRoom();
    },
    /** @param {number | null} index axis index, null for the last bar */
    show(index) {
      at = index;
      render();
    },
  };
}
