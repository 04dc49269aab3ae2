// Below the chart: the crosses and anomalies of the drawn range, the chart's data as a table, and
// the button that shows the data's quality.

import { busy, byId, disable, el, setText } from "../dom.js";
import { arrowOf, formatBarTime, formatPrice, formatVolume } from "../format.js";
import { alertText, conditionWay } from "../data/conditions.js";
import { sameEvent } from "../data/fired.js";
import { isDated } from "../ranges.js";
import { showAlert } from "./show_alert.js";

/** @typedef {import("./chart_view.js").ChartView} ChartView */
/**
 * @typedef {Pick<import("../types.js").Alert, "time" | "condition" | "price" | "values">} Signal
 */

const COLUMNS = ["Time", "Open", "High", "Low", "Close", "Volume"];

/**
 * @param {ChartView} view
 * @returns {import("../types.js").Series | null} the series that the chart shows; the store's
 *   may be one answer newer
 */
const drawn = (view) => (view.store.state.series?.bars.length ? view.committed : null);

/** @param {ChartView} view @returns {Signal[]} newest first */
function signalsOf(view) {
  const { symbolAlerts } = view.store.state;
  const series = drawn(view);
  if (!series) return [];
  const from = series.bars[0].time;
  const crosses = view.computed.crosses.map(({ index, kind }) => ({
    time: series.bars[index].time,
    condition: kind,
    price: series.bars[index].close,
    values: {},
  }));
  const moves = symbolAlerts.filter(
    (alert) =>
      alert.symbol === series.symbol && alert.time >= from && alert.condition.endsWith("_percent"),
  );
  return [...crosses, ...moves].sort((a, b) => b.time - a.time);
}

/**
 * @param {ChartView} view
 * @param {Signal} signal
 * @returns {import("../types.js").Alert} the signal in the form that showAlert takes
 */
const eventOf = (view, signal) => ({
  id: "",
  ruleId: "",
  symbol: drawn(view)?.symbol ?? "",
  message: "",
  source: "",
  interval: "tick",
  quiet: "",
  held: [],
  notifiedAt: null,
  ...signal,
});

/** @param {ChartView} view @param {Signal} signal */
function chip(view, signal) {
  const series = drawn(view);
  const way = conditionWay(signal.condition);
  const time = series ? formatBarTime(signal.time, view.zone, isDated(series.interval)) : "";
  const show = () => showAlert(view.store, eventOf(view, signal));
  return el(
    "li",
    {},
    el(
      "button.chip",
      { onclick: show },
      el("span", { "data-way": way }, `${arrowOf(way)} ${alertText(signal)}`),
      formatPrice(signal.price, view.places),
      el("span.muted", {}, time),
    ),
  );
}

/** @param {ChartView} view @returns {HTMLElement} every drawn bar, newest first */
function dataTable(view) {
  const series = drawn(view);
  if (!series) return el("table");
  const names = Object.keys(view.computed.lines);
  const rows = series.bars.map((bar, i) => [
    formatBarTime(bar.time, view.zone, isDated(series.interval)),
    ...[bar.open, bar.high, bar.low, bar.close].map((price) => formatPrice(price, view.places)),
    formatVolume(bar.volume),
    ...names.map((name) => formatPrice(view.computed.lines[name][i], view.places)),
  ]);
  return el(
    "table",
    {},
    el("caption.announce", {}, `${series.symbol}, bars of ${series.interval}`),
    el(
      "thead",
      {},
      el("tr", {}, ...[...COLUMNS, ...names].map((name) => el("th", { scope: "col" }, name))),
    ),
    el(
      "tbody",
      {},
      ...rows
        .reverse()
        .map(([time, ...cells]) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, time),
            ...cells.map((cell) => el("td", {}, cell)),
          ),
        ),
    ),
  );
}

/** @param {ChartView} view @param {import("../api.js").Api} api */
export function mountBelow(view, api) {
  const list = el("ul.signals", {
    "aria-label": "Crosses and anomalies in the chart, newest first",
    tabIndex: 0,
  });
  const title = el("h2", {}, "Signals in this range");
  const box = el("div.data", {
    hidden: true,
    tabIndex: 0,
    role: "region",
    "aria-label": "The chart's data",
  });
  const toggle = el(
    "button.button",
    { "aria-expanded": "false", onclick: () => open(box.hidden) },
    "Data as a table",
  );
  const judge = async () =>
    (await import("./quality.js")).showQuality(api, view.store.state.view.symbol, view.zone);
  const quality = el(
    "button.button",
    { title: "Gaps, jumps and delays", onclick: () => void busy(quality, "…", judge) },
    "Quality",
  );
  const actions = el("div.actions", {}, quality, toggle);
  byId("below").append(el("div.signal-box", {}, title, list), actions, box);
  let key = "";
  /** @type {Signal[]} */
  let signals = [];

  const open = (/** @type {boolean} */ shown) => {
    box.hidden = !shown;
    toggle.setAttribute("aria-expanded", String(shown));
    setText(toggle, shown ? "Hide the table" : "Data as a table");
    if (!shown) return;
    box.replaceChildren(dataTable(view));
    box.scrollIntoView({ block: "nearest" });
  };
  const mark = () =>
    [...list.children].forEach(({ firstElementChild: node }, i) =>
      node?.setAttribute(
        "aria-pressed",
        String(sameEvent(view.store.state.focus, eventOf(view, signals[i]))),
      ),
    );
  const render = () => {
    signals = signalsOf(view);
    for (const node of [toggle, quality]) disable(node, drawn(view) ? "" : "There are no bars yet");
    const now = drawn(view)?.symbol + JSON.stringify(signals) + view.zone;
    if (now === key) return;
    key = now;
    title.textContent = signals.length
      ? `Signals in this range (${signals.length})`
      : "No crosses or anomalies in this range";
    list.replaceChildren(...signals.map((signal) => chip(view, signal)));
    mark();
    if (!box.hidden) box.replaceChildren(dataTable(view));
  };
  view.chart.addEventListener("committed", render);
  view.store.watch(["symbolAlerts", "chartState"], render);
  view.store.watch(["focus"], mark);
  render();
}
