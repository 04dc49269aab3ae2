// Loads and starts the measuring tool: on a drag with Shift, the button, the key M, or a link with
// drawings.

import { byId } from "../dom.js";

/**
 * @param {import("./chart_view.js").ChartView} view
 * @param {import("./chart_note.js").ChartNote} note
 */
export function bindMeasure(view, note) {
  const { store, chart } = view;
  const section = byId("chart");
  /** @type {import("./measure.js").Measure | undefined} */
  let tool;
  const loaded = async () => {
    try {
      const { Measure } = await import("./measure.js");
      return (tool ??= new Measure(view, note));
    } catch {
      store.set({ measuring: false });
      note.show("The measuring tool could not be loaded. Try again.");
      return undefined;
    }
  };
  const isOurs = (/** @type {MouseEvent | TouchEvent} */ { shiftKey, target }) =>
    (shiftKey || store.state.measuring) &&
    !store.state.picking &&
    Boolean(/** @type {Element} */ (target).closest("#plot, .level"));
  const take = (/** @type {PointerEvent} */ event) => {
    if (event.button || !isOurs(event)) return;
    event.stopPropagation();
    if (tool) return tool.begin(event);
    let isDown = true;
    document.addEventListener("pointerup", () => (isDown = false), { once: true });
    void loaded().then((ready) => isDown && ready?.begin(event));
  };
  const keep = (/** @type {MouseEvent | TouchEvent} */ event) =>
    isOurs(event) && event.stopPropagation(); // the plot would zoom or pan
  section.addEventListener("pointerdown", take, { capture: true });
  section.addEventListener("mousedown", keep, { capture: true });
  section.addEventListener("touchstart", keep, { capture: true, passive: true });
  document.addEventListener("keydown", ({ key }) => key === "Shift" && void loaded());
  chart.addEventListener("measure", (event) => {
    const at = /** @type {CustomEvent<number | null>} */ (event).detail;
    if (tool) tool.beginAt(at);
    else void loaded().then((ready) => ready?.beginAt(at));
  });
  store.watch(["measuring", "picking"], ({ measuring, picking }) => {
    if (measuring && picking) return store.set({ measuring: false });
    section.classList.toggle("measuring", measuring);
    if (measuring) note.show("Drag over the chart to measure. With Shift, no button is needed.");
    if (measuring) void loaded();
  });
  const drawings = () => store.state.view.drawings.length && !tool && void loaded();
  store.when(({ view: { drawings } }) => drawings, drawings);
  drawings();
}
