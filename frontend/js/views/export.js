// The export menu (CSV, picture, link), and the buttons + Rule, Measure and Reset zoom.

import { busy, byId, disable, el, setText } from "../dom.js";
import { menu } from "./menu.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */

const NO_CHART = "There is no chart yet";

/**
 * Save the chart; the module for it is loaded on first use.
 * @param {ChartView} view @param {"saveCsv" | "savePicture"} how
 * @returns {Promise<string>} the message for the reader
 */
async function save({ committed, chart, colors, computed, zone }, how) {
  if (!committed) return NO_CHART;
  const saving = await import("./saving.js").catch(() => null);
  if (!saving) return "The export could not be loaded";
  return saving[how]({ series: committed, node: chart.node, colors, computed, zone });
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    setText(byId("announce"), "Link copied.");
    return "Link copied";
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return "Copy the link from the address bar";
  }
}

/**
 * Create a menu entry that shows the result of its work.
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
      title: "Make a rule at a price on the chart, or click the price with Alt",
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
      title: "Measure between two points on the chart, or drag with Shift",
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
    // Hiding it this way keeps its space, so that nothing moves.
    pick.style.visibility = store.state.rules === null ? "hidden" : "visible";
    reset.hidden = !view.chart.zoom;
  };
  store.watch(["picking", "measuring", "view", "rules"], render);
  view.chart.addEventListener("drawn", render);
  render();
}
