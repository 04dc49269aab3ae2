// The chart's panes, axes and margins. Pure. Margins are fixed, so that nothing moves when a label
// gets longer.

/** @typedef {import("./axis.js").Tick} Tick */

export const MARGIN = { l: 8, r: 76, t: 8, b: 26 };

const VOLUME_SHARE = 0.16;
const PANE_SHARE = 0.18;
const GAP = 0.025;

/**
 * Vertical shares from top to bottom: price, volume, then the panes.
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
 * @param {[number, number]} parts.range visible indices
 * @param {Tick[]} parts.ticks
 * @param {import("../data/indicator_table.js").Pane[]} parts.panes
 * @param {[number, number]} parts.priceRange
 * @param {number} parts.volumeTop
 * @param {boolean} parts.volume
 * @param {Record<string, string>} parts.colors
 * @param {{x: number, text: string}[]} parts.switches changes of the source
 */
export function layoutOf({
  revision,
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
      range: priceRange,
      nticks: 9,
      tickformat: tickFormat(priceRange),
    },
  };
  if (rows.volume)
    layout.yaxis2 = {
      ...y,
      domain: rows.volume,
      range: [0, volumeTop],
      showgrid: false,
      nticks: 3,
      tickformat: "~s",
    };
  panes.forEach((pane, i) => {
    layout[`yaxis${i + 3}`] = {
      ...y,
      domain: rows.panes[i],
      nticks: 4,
      ...pane.axis,
    };
  });
  return layout;
}

/**
 * @param {[number, number]} range
 * @returns {string} a format with as many decimals as the distance of two labels needs, at least
 *   two
 */
function tickFormat([low, high]) {
  const places = Math.max(2, Math.min(6, Math.ceil(-Math.log10((high - low) / 8 || 1))));
  return `,.${places}f`;
}
