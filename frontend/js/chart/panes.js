// The chart's panes, axes and margins. Pure. data/indicator_table.js declares which indicators have
// a pane of their own. Margins are fixed, so that nothing moves when a label gets longer.

import { valueTicks } from "./axis.js";
import { formatPrice, formatVolume } from "../format.js";

/** @typedef {import("./axis.js").Tick} Tick */

export const MARGIN = { l: 8, r: 76, t: 8, b: 26 };

const VOLUME_SHARE = 0.16;
const PANE_SHARE = 0.18;
const GAP = 0.025;
const LINE = 16; // height of a label in pixels

/**
 * Divide the chart's height, from top to bottom, into price, volume and the other panes.
 * @param {boolean} volume @param {number} panes
 * @returns {{price: [number, number], volume: [number, number] | null, panes: [number, number][]}}
 *   Plotly domains
 */
function domains(volume, panes) {
  let bottom = 0;
  const take = (/** @type {number} */ share) => {
    const domain = /** @type {[number, number]} */ ([bottom, bottom + share - GAP]);
    bottom += share;
    return domain;
  };
  const rows = Array.from({ length: panes }, () => take(PANE_SHARE)).reverse();
  const volumeRow = volume ? take(VOLUME_SHARE) : null;
  return { price: [bottom, 1], volume: volumeRow, panes: rows };
}

/**
 * @param {object} parts
 * @param {string} parts.revision Plotly keeps a zoom while this stays the same
 * @param {number} parts.height of all panes, in pixels
 * @param {[number, number]} parts.range visible indices
 * @param {Tick[]} parts.ticks
 * @param {{range: [number, number], tickvals?: number[]}[]} parts.panes axes of further panes
 * @param {[number, number]} parts.priceRange
 * @param {number} parts.volumeTop
 * @param {boolean} parts.volume
 * @param {Record<string, string>} parts.colors
 * @param {{x: number, text: string}[]} parts.switches changes of the source
 */
export function layoutOf({
  revision,
  height,
  range,
  ticks,
  panes,
  priceRange,
  volumeTop,
  volume,
  colors,
  switches,
}) {
  const rows = domains(volume, panes.length);
  const valuesOf = (
    /** @type {[number, number]} */ visible,
    /** @type {[number, number]} */ [bottom, top],
    /** @type {number} */ most,
  ) => {
    const room = Math.floor(((top - bottom) * height) / LINE);
    return valueTicks(visible, Math.max(1, Math.min(most, room)));
  };
  const lowest = panes.length ? `y${panes.length + 2}` : volume ? "y2" : "y";
  const y = {
    side: "right",
    fixedrange: true,
    gridcolor: colors.grid,
    zeroline: false,
    tickfont: { color: colors.muted, size: 11 },
    color: colors.muted,
    ticks: "",
    automargin: false,
    ticklabeloverflow: "allow",
  };
  /** @type {any} */
  const layout = {
    uirevision: revision,
    margin: MARGIN,
    showlegend: false,
    dragmode: "pan",
    hovermode: false,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11, color: colors.muted },
    shapes: switches.map(({ x, text }) => ({
      type: "line",
      x0: x,
      x1: x,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color: colors.muted, width: 1, dash: "dot" },
      label: { text, textposition: "end" },
    })),
    xaxis: {
      type: "linear",
      range,
      rangeslider: { visible: false },
      showgrid: true,
      gridcolor: colors.grid,
      zeroline: false,
      anchor: lowest,
      tickmode: "array",
      tickvals: ticks.map((tick) => tick.index),
      ticktext: ticks.map((tick) => tick.label),
      tickangle: 0,
      tickfont: { color: colors.muted, size: 11 },
      ticks: "",
      automargin: false,
      ticklabeloverflow: "allow",
    },
    yaxis: {
      ...y,
      domain: rows.price,
      ...labelled(priceRange, valuesOf(priceRange, rows.price, 9), (value, places) =>
        formatPrice(value, value < 1e6 ? Math.max(2, places) : places),
      ),
    },
  };
  if (rows.volume)
    layout.yaxis2 = {
      ...y,
      domain: rows.volume,
      range: [0, volumeTop],
      showgrid: false,
      ...labelled([0, volumeTop], valuesOf([0, volumeTop], rows.volume, 3), formatVolume),
    };
  panes.forEach(({ range, tickvals }, i) => {
    const domain = rows.panes[i];
    const values = tickvals ?? valuesOf(range, domain, 4);
    layout[`yaxis${i + 3}`] = { ...y, domain, ...labelled(range, values) };
  });
  return layout;
}

/**
 * @param {[number, number]} range @param {number[]} tickvals
 * @param {(value: number, places: number) => string} [format] called with the number of decimals
 *   that distinguishes the labels
 * @returns {object} a vertical axis' range and labels
 */
function labelled(range, tickvals, format = formatPrice) {
  const step = tickvals[1] - tickvals[0] || 1;
  const places = Math.max(0, Math.min(12, Math.ceil(-Math.log10(step) - 1e-9)));
  return {
    range,
    tickmode: "array",
    tickvals,
    ticktext: tickvals.map((value) => format(value, places)),
  };
}
