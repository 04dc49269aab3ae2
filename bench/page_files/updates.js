// Times the page's own chart: from the start of a frame in which something changed to after that frame was painted.

import { PriceChart } from "./js/chart/chart.js";
import { decodeBar } from "./js/data/wire.js";
import { makeSeries, mergeBars } from "./js/data/series.js";
import { computeIndicators, USUAL_AVERAGES } from "./js/data/indicator_table.js";
import { chartColors } from "./js/theme.js";
import { loadBars } from "./bare_data.js";

const bars = (await loadBars()).map(decodeBar);
const shown = ["volume", "sma"];
const chart = new PriceChart(document.getElementById("plot"), document.getElementById("overlay"));
const choices = { type: "candles", indicators: shown, averages: USUAL_AVERAGES, zone: "UTC", colors: chartColors(), events: [], preview: [] };
const seriesOf = (symbol) => makeSeries({ symbol, interval: "1m" }, bars, "1D", "UTC");
const show = (series) => chart.show(series, computeIndicators(series, shown), choices, null);

const untilPainted = () => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  });
});
async function timed(change) {
  await new Promise(requestAnimationFrame);
  const began = performance.now();
  change();
  await untilPainted();
  return performance.now() - began;
}

let series = seriesOf("ACME");
show(series);
window.measure = async (rounds) => {
  const found = { "symbol switch": [], "price update": [], "candle commit": [] };
  for (let i = 0; i < rounds; i++) {
    found["symbol switch"].push(await timed(() => show((series = seriesOf(`S${i}`)))));
    const last = series.bars.at(-1);
    found["price update"].push(await timed(() => chart.crosshair.setPrice(last.close * (1 + i / 5000), `1${i}.00`, "up")));
    const moved = { ...last, close: last.close * (1 + i / 9000) };
    found["candle commit"].push(await timed(() => show((series = mergeBars(series, [moved])))));
  }
  return found;
};
