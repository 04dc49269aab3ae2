// Saves the drawn chart as a file: CSV or picture. Loaded on demand.

import { el } from "../dom.js";
import { MARGIN } from "../chart/panes.js";
import { plotly } from "../chart/plotly.js";
import { formatBarTime } from "../format.js";
import { isDated } from "../ranges.js";
import { isSimulated, sourceName } from "./status.js";

/**
 * @typedef {{series: import("../types.js").Series, computed:
 *   import("../data/indicator_table.js").Computed, node: any, colors: Record<string, string>,
 *   zone: string}} Drawn
 */

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

/** @param {import("../types.js").Series} series @param {string} ending */
const fileName = ({ symbol, range, interval }, ending) =>
  `${symbol}-${range}-${interval}.${ending}`.replace(/[^\w.=^-]/g, "_");

/** @param {Drawn} drawn @returns {string} the message to show */
export function saveCsv({ series, computed }) {
  const url = URL.createObjectURL(new Blob([csvOf(series, computed.lines)], { type: "text/csv" }));
  download(fileName(series, "csv"), url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return `Saved ${fileName(series, "csv")}`;
}

/**
 * Save a picture whose title has the symbol, source and time.
 * @param {Drawn} drawn
 * @returns {Promise<string>} the message to show
 */
export async function savePicture({ series, node, colors, zone }) {
  if (!plotly()) return "The chart's library has not loaded";
  const last = series.bars[series.bars.length - 1];
  const source = isSimulated(series.source) ? "SIMULATED" : sourceName(series.source);
  const until = formatBarTime(last.time, zone, isDated(series.interval));
  const shown = [series.symbol, series.range, series.interval, source, `until ${until}`];
  const text = [...shown, "Ticktape"].join(" · ");
  const layout = {
    ...node.layout,
    margin: { ...MARGIN, t: 40 },
    paper_bgcolor: colors.surface,
    plot_bgcolor: colors.surface,
    title: { text, font: { size: 14, color: colors.text }, x: 0.01, xanchor: "left" },
  };
  const url = await plotly().toImage(
    { data: node.data, layout },
    { format: "png", width: node.clientWidth, height: node.clientHeight + 32, scale: 2 },
  );
  download(fileName(series, "png"), url);
  return `Saved ${fileName(series, "png")}`;
}
