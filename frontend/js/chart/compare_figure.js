// Percent lines -> Plotly figure. Pure.

import { axisTicks, MARGIN } from "./axis.js";
import { formatPercent } from "../format.js";
import { lastOf } from "../data/compare.js";

/** Told apart by colour in both themes, and by dashes from the fifth on. */
export const LINE_ROLES = ["fast", "slow", "ema", "up", "down", "vwap", "band", "text"];
const DASHES = ["solid", "solid", "solid", "solid", "dash", "dash", "dash", "dot"];

/**
 * @param {ReturnType<typeof import("../data/compare.js").alignPercent>} aligned
 * @param {{colors: Record<string, string>, zone: string, dated: boolean, width: number, revision: string}} choices
 */
export function compareFigure({ times, lines }, { colors, zone, dated, width, revision }) {
  const x = times.map((_, i) => i);
  const data = lines.map(({ symbol, values }, i) => ({
    type: "scatter", mode: "lines", name: symbol, x, y: values, connectgaps: true, hovertemplate: `${symbol} %{y:+.2f}%<extra></extra>`,
    line: { color: colors[LINE_ROLES[i % LINE_ROLES.length]], width: i ? 1.5 : 2.25, dash: DASHES[i % DASHES.length] },
  }));
  const range = [-0.5, x.length - 0.5 + x.length * 0.02];
  const ticks = axisTicks(times, 0, [range[0], range[1]], Math.max(2, Math.floor(width / 88)), zone, dated);
  const font = { color: colors.muted, size: 11 };
  const layout = {
    uirevision: revision, margin: MARGIN, showlegend: false, dragmode: "pan", hovermode: "x",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: "system-ui, sans-serif", ...font },
    hoverlabel: { bgcolor: colors.surface, bordercolor: colors.grid, font: { color: colors.text } },
    xaxis: { type: "linear", range, gridcolor: colors.grid, zeroline: false, tickmode: "array", tickvals: ticks.map((t) => t.index), ticktext: ticks.map((t) => t.label), tickangle: 0, tickfont: font },
    yaxis: { side: "right", fixedrange: true, gridcolor: colors.grid, zerolinecolor: colors.muted, zerolinewidth: 1, ticksuffix: "%", tickfont: font },
  };
  return { data, layout };
}

/** @param {(number | null)[]} values */
export const legendText = (values) => formatPercent(lastOf(values));
