import { average, loadBars } from "./bare_data.js";

const bars = await loadBars();
const { createChart, CandlestickSeries, HistogramSeries, LineSeries } = window.LightweightCharts;
const time = (bar) => Date.parse(bar.timestamp) / 1000;
const chart = createChart(document.getElementById("plot"), { width: 1040, height: 608 });
chart.addSeries(CandlestickSeries).setData(bars.map((bar) => ({ time: time(bar), open: bar.open, high: bar.high, low: bar.low, close: bar.close })));
for (const n of [5, 20]) {
  const values = average(bars, n);
  chart.addSeries(LineSeries).setData(bars.map((bar, i) => ({ time: time(bar), value: values[i] })).filter(({ value }) => value !== null));
}
chart.addSeries(HistogramSeries, { priceScaleId: "volume" }).setData(bars.map((bar) => ({ time: time(bar), value: bar.volume })));
chart.timeScale().fitContent();
window.drawn = true;
