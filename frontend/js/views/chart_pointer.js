// The pointer over the chart: crosshair, readout, and a click that sets a rule's price.

import { byId } from "../dom.js";
import { formatPrice } from "../format.js";

/** A press that moves further than this is a drag, in pixels. */
const STILL = 5;

/** @param {import("./chart_view.js").ChartView} view */
export function bindPointer(view) {
  const section = byId("chart");
  const plot = byId("plot");
  const place = (/** @type {PointerEvent} */ event) => {
    const box = plot.getBoundingClientRect();
    return view.chart.overlay.showCross(event.clientX - box.left, event.clientY - box.top, (i) => view.timeText(i), (p) => formatPrice(p, view.places));
  };
  section.addEventListener("pointermove", (event) => view.readout.show(place(event)?.index ?? null));
  section.addEventListener("pointerleave", () => {
    view.chart.overlay.hideCross();
    view.readout.show(null);
  });
  section.addEventListener("pointerdown", (down) => {
    document.addEventListener("pointerup", (up) => {
      if (Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > STILL) return;
      const under = place(up);
      if (under && view.store.state.picking) view.chart.dispatchEvent(new CustomEvent("pick", { detail: under.price }));
    }, { once: true });
  }, { capture: true });
}
