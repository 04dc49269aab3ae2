// Moves the crosshair and the readout with the pointer over the chart.

/** @param {import("./chart_view.js").ChartView} view */
export function bindPointer(view) {
  const { section } = view;
  const place = (/** @type {PointerEvent} */ event) => {
    const box = view.chart.node.getBoundingClientRect();
    return view.showCross(event.clientX - box.left, event.clientY - box.top);
  };
  section.addEventListener("pointermove", (event) => view.point(place(event)));
  section.addEventListener("pointerleave", () => {
    view.chart.crosshair.hideCross();
    view.point(null);
  });
}
