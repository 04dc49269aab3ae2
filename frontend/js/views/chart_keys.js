// Keyboard control of the chart: a crosshair that steps from bar to bar, zoom, pan, measuring, and
// a rule at a bar's close.

import { byId, setText } from "../dom.js";
import { barAt } from "../data/series.js";
import { formatPrice, formatVolume } from "../format.js";
import { plotOf, xOf, yOf } from "../chart/plot_layout.js";

/** @param {import("./chart_view.js").ChartView} view */
export function bindKeys(view) {
  const { section } = view;
  /** @type {number | null} */
  let at = null;

  const step = (/** @type {number} */ by) => {
    const { series } = view.store.state;
    const plot = plotOf(view.chart.node);
    if (!series?.bars.length || !plot) return;
    const last = series.first + series.bars.length - 1;
    at = Math.min(last, Math.max(series.first, (at ?? last + 1) + by));
    const bar = barAt(series, at);
    if (!bar) return;
    view.showCross(xOf(plot, at), yOf(plot, bar.close));
    view.point(at);
    const said = [
      ["open", bar.open],
      ["high", bar.high],
      ["low", bar.low],
      ["close", bar.close],
    ].map(([name, price]) => `${name} ${formatPrice(Number(price), view.places)}`);
    setText(
      byId("announce"),
      `${view.timeText(at)}: ${said.join(", ")}, volume ${formatVolume(bar.volume)}`,
    );
    view.chart.dispatchEvent(new CustomEvent("stepped", { detail: at }));
  };
  const ruleHere = (/** @type {KeyboardEvent} */ { altKey }) => {
    const { series } = view.store.state;
    const bar = series && (at === null ? series.bars.at(-1) : barAt(series, at));
    const event = altKey ? "make" : "pick";
    if (bar) view.chart.dispatchEvent(new CustomEvent(event, { detail: bar.close }));
  };

  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const keys = {
    ArrowLeft: (event) => (event.shiftKey ? view.chart.zoomBy(1, -0.2) : step(-1)),
    ArrowRight: (event) => (event.shiftKey ? view.chart.zoomBy(1, 0.2) : step(1)),
    "+": () => view.chart.zoomBy(0.7),
    "=": () => view.chart.zoomBy(0.7),
    "-": () => view.chart.zoomBy(1.4),
    0: () => view.chart.reset(),
    Enter: ruleHere,
    m: () => view.chart.dispatchEvent(new CustomEvent("measure", { detail: at })),
  };
  section.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    const isOurs = !event.ctrlKey && !event.metaKey && (!event.altKey || act === ruleHere);
    if (!act || event.target !== section || !isOurs) return;
    event.preventDefault();
    act(event);
  });
  section.addEventListener("blur", () => {
    at = null;
    view.chart.crosshair.hideCross();
    view.point(null);
  });
}
