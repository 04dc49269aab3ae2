// The pointer over the chart: crosshair and readout.

import { byId } from "../dom.js";

/** @param {import("./chart_view.js").ChartView} view */
export function bindPointer(view) {
  const section = byId("chart");
  const plot = byId("plot");
  const place = (/** @type {PointerEvent} */ event) => {
    const box = plot.getBoundingClientRect();
    return view.showCross(event.clientX - box.left, event.clientY - box.top);
  };
  section.addEventListener("pointermove", (event) => view.readout.show(place(event)));
  section.addEventListener("pointerleave", () => {
    view.chart.overlay.hideCross();
    view.readout.show(null);
  });
}
