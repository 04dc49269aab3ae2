// Exports the view: CSV, picture, link; with the tool bar's buttons.

import { busy, byId, disable, el, setText } from "../dom.js";
import { MARGIN } from "../chart/panes.js";
import { plotly } from "../chart/plotly.js";
import { formatBarTime } from "../format.js";
import { isDated } from "../ranges.js";
import { isSimulated, sourceName } from "./status.js";
import { menu } from "./menu.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */

/**
 * @param {import("../types.js").Series} series
 * @param {Record<string, (number | null)[]>} lines
 * @returns {string} the columns of the API's CSV, then those of the lines
 */
function csvOf(series, lines) {
  const names = Object.keys(lines);
  const head = ["timestamp", "open", "high", "low", "close", "volume", "closed", ...names];
  const rows = series.bars.map((bar, i) => [
    new Date(bar.time).toISOString(),
    bar.open,
    bar.high,
    bar.low,
    bar.close,
    bar.volume,
    bar.closed,
    ...names.map((name) => lines[name][i] ?? ""),
  ]);
  return [head, ...rows].map((row) => row.join(",")).join("\n") + "\n";
}

/** @param {string} name @param {string} url */
function download(name, url) {
  const link = /** @type {HTMLAnchorElement} */ (el("a", { href: url, download: name }));
  link.click();
}

/** @param {ChartView} view @param {string} ending */
function fileName(view, ending) {
  const series = view.committed;
  return `${series?.symbol}-${series?.range}-${series?.interval}.${ending}`.replace(
    /[^\w.=^-]/g,
    "_",
  );
}

/** @param {ChartView} view @returns {Promise<string>} the message for the reader */
async function saveCsv(view) {
  const series = view.committed;
  if (!series) return NO_CHART;
  const url = URL.createObjectURL(
    new Blob([csvOf(series, view.computed.lines)], { type: "text/csv" }),
  );
  download(fileName(view, "csv"), url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return `Saved ${fileName(view, "csv")}`;
}

/**
 * Save a picture with its title, source and time.
 * @param {ChartView} view
 */
async function savePicture(view) {
  const series = view.committed;
  if (!series) return NO_CHART;
  const node = /** @type {any} */ (view.chart.node);
  const last = series.bars[series.bars.length - 1];
  const source = isSimulated(series.source) ? "SIMULATED" : sourceName(series.source);
  const until = formatBarTime(last.time, view.zone, isDated(series.interval));
  const shown = [series.symbol, series.range, series.interval, source, `until ${until}`];
  const text = [...shown, "Ticktape"].join(" · ");
  const layout = {
    ...node.layout,
    margin: { ...MARGIN, t: 40 },
    paper_bgcolor: view.colors.surface,
    plot_bgcolor: view.colors.surface,
    title: { text, font: { size: 14, color: view.colors.text }, x: 0.01, xanchor: "left" },
  };
  const url = await plotly().toImage(
    { data: node.data, layout },
    { format: "png", width: node.clientWidth, height: node.clientHeight + 32, scale: 2 },
  );
  download(fileName(view, "png"), url);
  return `Saved ${fileName(view, "png")}`;
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

const NO_CHART = "There is no chart yet";

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
    exportItem("Data shown (CSV)", "Writing …", () => saveCsv(view)),
    exportItem("Picture (PNG)", "Drawing …", () => savePicture(view)),
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
      title: "Make a rule at a price of the chart",
      onclick: () => store.set({ picking: !store.state.picking }),
    },
    "+ Rule",
  );
  const reset = el(
    "button.button.reset-zoom",
    { hidden: true, onclick: () => view.chart.reset() },
    "Reset zoom",
  );
  for (const node of [pick, root]) node.classList.add("chart-only");
  bar.append(el("span.grow"), pick, root);
  byId("chart").append(reset);
  const render = () => {
    pick.setAttribute("aria-pressed", String(store.state.picking));
    // Its space is reserved, so that nothing moves.
    pick.style.visibility = store.state.rules === null ? "hidden" : "visible";
    reset.hidden = !view.chart.zoom;
  };
  store.watch(["picking", "view", "rules"], render);
  view.chart.addEventListener("drawn", render);
  render();
}
