// The head of a chart of the desk: symbol, range, bar size and last price.

import { el, setText } from "../dom.js";
import { arrowOf, formatPercent, formatPrice, placesOf, wayOf } from "../format.js";
import { INTERVALS, RANGES } from "../ranges.js";

/** @typedef {import("../data/desk.js").Chart} Chart */

/** @param {string[]} values @returns {HTMLElement[]} */
const optionsOf = (values) => values.map((value) => el("option", { value }, value));

/**
 * @param {number} number of the chart, as its labels show it
 * @param {(change: Partial<Chart>) => void} change called with what the reader chooses
 * @param {() => void} close
 * @returns {{node: HTMLElement, render: (state: import("../store.js").State) => void}}
 */
export function deskHead(number, change, close) {
  const choice = (/** @type {string} */ label, /** @type {keyof Chart} */ key) => {
    const select = /** @type {HTMLSelectElement} */ (
      el("select", {
        "aria-label": `${label} of chart ${number}`,
        onchange: () => change({ [key]: select.value }),
      })
    );
    return select;
  };
  const symbol = choice("Symbol", "symbol");
  const range = choice("Range", "range");
  const interval = choice("Bars", "interval");
  const dates = el("option", { value: "custom", disabled: true }, "Dates");
  const auto = el("option", { value: "auto" }, "Auto");
  range.append(...optionsOf(Object.keys(RANGES)), dates);
  interval.append(auto, ...optionsOf(INTERVALS));
  const [price, moved] = [el("b"), el("span")];
  const button = el(
    "button.button.quiet.icon",
    { "aria-label": `Close chart ${number}`, title: "Close", onclick: close },
    "✕",
  );
  const last = el("span.last", {}, price, moved);
  let listed = "";

  const render = (/** @type {import("../store.js").State} */ state) => {
    const { view, quotes, symbols, series } = state;
    const names = [...new Set([...symbols.map((one) => one.symbol), view.symbol])];
    if (listed !== names.join()) symbol.replaceChildren(...optionsOf(names));
    listed = names.join();
    symbol.value = view.symbol;
    range.value = view.range;
    dates.hidden = view.range !== "custom";
    interval.value = view.interval;
    setText(auto, view.interval === "auto" && series ? `Auto (${series.interval})` : "Auto");
    const quote = quotes.get(view.symbol);
    setText(price, quote ? formatPrice(quote.price, placesOf(quote.price)) : "–");
    const way = wayOf(quote?.change);
    moved.dataset.way = way;
    const percent = quote?.changePercent;
    setText(moved, percent == null ? "" : `${arrowOf(way)} ${formatPercent(percent)}`);
  };
  return { node: el("div.desk-head", {}, symbol, range, interval, last, button), render };
}
