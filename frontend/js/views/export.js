// Exports the view: CSV, picture, link; with the tool bar's buttons.

import { busy, byId, disable, el, setText } from "../dom.js";
import { menu } from "./menu.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */

const NO_CHART = "There is no chart yet";

/**
 * Save the chart by a module that is loaded when it is first asked for.
 * @param {ChartView} view @param {"saveCsv" | "savePicture"} how
 * @returns {Promise<string>} the message for the reader
 */
async function save({ committed, chart, colors, computed, zone }, how) {
  if (!committed) return NO_CHART;
  const saving = await import("./saving.js").catch(() => null);
  if (!saving) return "It could not be loaded";
  return saving[how]({ series: committed, node: chart.node, colors, computed, zone });
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    setText(byId("announce"), "Link copied.");
    return "Link copied";
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return "The address bar has the link";
  }
}

/**
 * A menu entry that shows its result.
 * @param {string} label @param {string} meanwhile @param {() => Promise<string>} work
 */
function exportItem(label, meanwhile, work) {
  const run = () => busy(node, meanwhile, async () => void (node.textContent = await work()));
  const node = el("button", { onclick: () => void run() }, label);
  return { node, reset: () => setText(node, label) };
}

/** @param {HTMLElement} bar the tool bar @param {ChartView} view */
export function mountExport(bar, view) {
  const { store } = view;
  const items = [
    exportItem("Data shown (CSV)", "Writing …", () => save(view, "saveCsv")),
    exportItem("Picture (PNG)", "Drawing …", () => save(view, "savePicture")),
    exportItem("Copy link to this view", "Copying …", copyLink),
  ];
  const { root, button } = menu(
    "Export",
    items.map(({ node }) => node),
    { end: true },
  );
  button.addEventListener("click", () => {
    for (const item of items) item.reset();
    for (const { node } of items.slice(0, 2)) disable(node, view.committed ? "" : NO_CHART);
  });
  const pick = el(
    "button.button",
    {
      "aria-pressed": "false",
      "aria-label": "Rule at price",
      "data-pick": "",
      title: "Make a rule at a price of the chart, or click there with Alt",
      onclick: () => store.set({ picking: !store.state.picking }),
    },
    "+ Rule",
  );
  const reset = el(
    "button.button.reset-zoom",
    { hidden: true, onclick: () => view.chart.reset() },
    "Reset zoom",
  );
  const measure = el(
    "button.button.icon",
    {
      "aria-pressed": "false",
      "aria-label": "Measure",
      title: "Measure between two points of the chart, or drag there with Shift",
      onclick: () => store.set({ measuring: !store.state.measuring }),
    },
    "Δ",
  );
  for (const node of [measure, pick, root]) node.classList.add("chart-only");
  bar.append(el("span.grow"), measure, pick, root);
  byId("chart").append(reset);
  const render = () => {
    pick.setAttribute("aria-pressed", String(store.state.picking));
    measure.setAttribute("aria-pressed", String(store.state.measuring));
    // Its space is reserved, so that nothing moves.
    pick.style.visibility = store.state.rules === null ? "hidden" : "visible";
    reset.hidden = !view.chart.zoom;
  };
  store.watch(["picking", "measuring", "view", "rules"], render);
  view.chart.addEventListener("drawn", render);
  render();
}
