// Positions on a drawn plot, in pixels of its container. Only this file reads Plotly's full layout,
// or the sketch's layout until Plotly has drawn.

/**
 * @typedef {{left: number, top: number, width: number, height: number, x: [number, number], y:
 *   [number, number]}} Plot
 */

/**
 * @param {any} layout made by figure.js @param {number} width @param {number} height pixels
 * @returns {any} the axes and sizes that Plotly's full layout would have
 */
export function fullLayout(layout, width, height) {
  const { margin, xaxis } = layout;
  const [across, down] = [width - margin.l - margin.r, height - margin.t - margin.b];
  const names = Object.keys(layout).filter((name) => name.startsWith("yaxis"));
  const rows = names.map((name) => {
    const { domain } = layout[name];
    const [_offset, _length] = [margin.t + (1 - domain[1]) * down, (domain[1] - domain[0]) * down];
    return [name, { ...layout[name], _offset, _length }];
  });
  return {
    ...layout,
    ...Object.fromEntries(rows),
    xaxis: { ...xaxis, _offset: margin.l, _length: across },
    _subplots: { yaxis: names.map((name) => name.replace("axis", "")) },
    width,
    height,
  };
}

/** @param {any} node @returns {any} the drawn layout; undefined if nothing is drawn */
export const drawnLayout = (node) => node._fullLayout ?? node.sketched;

/**
 * @param {any} node the element of the chart
 * @returns {Plot | null} the price pane's box and its current ranges, also during a drag
 */
export function plotOf(node) {
  const full = drawnLayout(node);
  if (!full?.xaxis || !full.yaxis?._length) return null;
  const { xaxis, yaxis } = full;
  return {
    left: xaxis._offset,
    top: yaxis._offset,
    width: xaxis._length,
    height: yaxis._length,
    x: [xaxis.range[0], xaxis.range[1]],
    y: [yaxis.range[0], yaxis.range[1]],
  };
}

/** @param {any} node @returns {number} the lower edge of the lowest pane, in pixels */
export function bottomOf(node) {
  const { height, margin } = drawnLayout(node);
  return height - margin.b;
}

/**
 * @param {any} node @param {number} py
 * @returns {{axis: string, value: number} | null} Plotly's name of the vertical axis at `py` ("y"
 *   for prices, "y2" for volume), with the value there; null between two panes
 */
export function levelAt(node, py) {
  const full = drawnLayout(node);
  for (const axis of full._subplots.yaxis) {
    const { _offset: top, _length: height, range } = full[axis.replace("y", "yaxis")];
    const share = (py - top) / height;
    if (share >= 0 && share <= 1) return { axis, value: range[1] - share * (range[1] - range[0]) };
  }
  return null;
}

/** @param {Plot} plot @param {number} px @returns {number} index on the axis, not rounded */
export const indexOf = (plot, px) =>
  plot.x[0] + ((px - plot.left) / plot.width) * (plot.x[1] - plot.x[0]);

/** @param {Plot} plot @param {number} index */
export const xOf = (plot, index) =>
  plot.left + ((index - plot.x[0]) / (plot.x[1] - plot.x[0])) * plot.width;

/** @param {Plot} plot @param {number} py */
export const priceOf = (plot, py) =>
  plot.y[1] - ((py - plot.top) / plot.height) * (plot.y[1] - plot.y[0]);

/** @param {Plot} plot @param {number} price */
export const yOf = (plot, price) =>
  plot.top + ((plot.y[1] - price) / (plot.y[1] - plot.y[0])) * plot.height;
