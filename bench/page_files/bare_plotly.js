import { average, loadBars } from "./bare_data.js";

const bars = await loadBars();
const x = bars.map((_, i) => i);
const pick = (name) => bars.map((bar) => bar[name]);
const data = [
  { type: "candlestick", x, open: pick("open"), high: pick("high"), low: pick("low"), close: pick("close") },
  { type: "scatter", mode: "lines", x, y: average(bars, 5) },
  { type: "scatter", mode: "lines", x, y: average(bars, 20) },
  { type: "bar", x, y: pick("volume"), yaxis: "y2" },
];
const layout = {
  showlegend: false, hovermode: false, xaxis: { rangeslider: { visible: false }, anchor: "y2" },
  yaxis: { domain: [0.2, 1], side: "right" }, yaxis2: { domain: [0, 0.16], side: "right" },
};
await window.Plotly.newPlot("plot", data, layout, { scrollZoom: true, displayModeBar: false });
window.drawn = true;
