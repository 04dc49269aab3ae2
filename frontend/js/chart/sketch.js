// Draws a figure of figure.js without Plotly: candles, lines, areas, grid and labels, at the same
// positions. It shows the first chart while Plotly is still loading; marks, shapes and interaction
// come with Plotly.

const NAMESPACE = "http://www.w3.org/2000/svg";

// Plotly's dimensions: half a candle's width in bars, and distances of labels in pixels.
const HALF = 0.245;
const LABEL = { left: 1, below: 12, middle: 3.85 };

/** @typedef {(value: number) => number} Scale */

/**
 * @param {string} name @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function svg(name, attributes, ...children) {
  const node = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/**
 * @param {any[]} data traces of figure.js @param {any} full see fullLayout in plot_layout.js
 * @returns {SVGElement}
 */
export function sketchOf(data, full) {
  const { width, height, font, xaxis } = full;
  const x = scale(xaxis.range, xaxis._length);
  const text = { fill: font.color, "font-family": font.family, "font-size": font.size };
  const root = svg("svg", { class: "sketch", width, height, ...text });
  for (const name of full._subplots.yaxis) {
    const axis = full[name.replace("y", "yaxis")];
    const y = scale([axis.range[1], axis.range[0]], axis._length);
    const traces = data.filter(({ yaxis = "y" }) => yaxis === name);
    root.append(
      svg(
        "svg",
        { x: xaxis._offset, y: axis._offset, width: xaxis._length, height: axis._length },
        grid(xaxis, axis, x, y),
        ...traces.flatMap((trace) => traceOf(trace, x, y)),
      ),
      ...labels(axis, (value) => ({
        x: xaxis._offset + xaxis._length + LABEL.left,
        y: axis._offset + y(value) + LABEL.middle,
      })),
    );
  }
  root.append(
    ...labels(xaxis, (value) => ({
      x: xaxis._offset + x(value),
      y: height - full.margin.b + LABEL.below,
      "text-anchor": "middle",
    })),
  );
  return root;
}

/** @param {any} axis @param {(value: number) => Record<string, string | number>} place */
const labels = ({ tickvals, ticktext }, place) =>
  tickvals.map((/** @type {number} */ value, /** @type {number} */ i) =>
    svg("text", place(value), ticktext[i]),
  );

/** @param {[number, number]} range @param {number} length pixels @returns {Scale} */
const scale =
  ([from, to], length) =>
  (value) =>
    Math.round(((value - from) / (to - from)) * length * 100) / 100;

/**
 * @param {any} xaxis with the vertical lines @param {any} yaxis with the horizontal ones
 * @param {Scale} x @param {Scale} y
 */
function grid(xaxis, yaxis, x, y) {
  const levels = yaxis.showgrid === false ? [] : yaxis.tickvals;
  const lines = [
    ...xaxis.tickvals.map((/** @type {number} */ place) => `M${x(place)},0V${yaxis._length}`),
    ...levels.map((/** @type {number} */ level) => `M0,${y(level)}H${xaxis._length}`),
  ];
  return stroke(lines.join(""), yaxis.gridcolor, { "shape-rendering": "crispEdges" });
}

/** @param {string} d @param {string} color @param {Record<string, string | number>} [more] */
const stroke = (d, color, more) => svg("path", { d, fill: "none", stroke: color, ...more });

/**
 * @param {any} trace @param {Scale} x @param {Scale} y
 * @returns {Node[]} nothing for marks
 */
function traceOf(trace, x, y) {
  if (trace.type === "candlestick")
    return [candles(trace, x, y, true), candles(trace, x, y, false)];
  if (trace.mode === "markers" || !trace.x.length) return [];
  const points = trace.x.map((/** @type {number} */ place, /** @type {number} */ i) =>
    trace.y[i] === null ? null : `${x(place)},${y(trace.y[i])}`,
  );
  const nodes = [];
  if (trace.fill) {
    const ends = [trace.x[0], trace.x.at(-1)].map((place) => `${x(place)},${y(0)}`);
    nodes.push(
      svg("polygon", { points: [ends[0], ...points, ends[1]].join(" "), fill: trace.fillcolor }),
    );
  }
  if (trace.mode === "lines") {
    const d = points.map((/** @type {string | null} */ point, /** @type {number} */ i) =>
      point ? `${points[i - 1] ? "L" : "M"}${point}` : "",
    );
    const { color, width, dash } = trace.line;
    const dashes = dash === "dot" ? "3,3" : "none";
    nodes.push(stroke(d.join(""), color, { "stroke-width": width, "stroke-dasharray": dashes }));
  }
  return nodes;
}

/** @param {any} trace @param {Scale} x @param {Scale} y @param {boolean} rising which to draw */
function candles(trace, x, y, rising) {
  const { fillcolor, line } = rising ? trace.increasing : trace.decreasing;
  const d = trace.x.map((/** @type {number} */ place, /** @type {number} */ i) => {
    const [open, high, low, close] = ["open", "high", "low", "close"].map((name) => trace[name][i]);
    if (close >= open !== rising) return "";
    const [top, bottom] = [y(Math.max(open, close)), y(Math.min(open, close))];
    const wicks = `M${x(place)},${y(high)}V${top}M${x(place)},${bottom}V${y(low)}`;
    return `M${x(place - HALF)},${top}H${x(place + HALF)}V${bottom}H${x(place - HALF)}Z${wicks}`;
  });
  return svg("path", { class: "candles", d: d.join(""), fill: fillcolor, stroke: line.color });
}
