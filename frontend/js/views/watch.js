// The watch-list: every symbol with its last price, change and sparkline.

import { busy, byId, el, flash, setText } from "../dom.js";
import { serverNow } from "../server_clock.js";
import { formatClock, formatDate, formatPercent, formatPrice, ownZone, wayOf } from "../format.js";
import { arrange, knownOrder } from "../data/sorting.js";
import { keep, recall } from "../settings.js";
import { bindWatchKeys } from "./watch_keys.js";
import { drawSparkline } from "./sparkline.js";

/** @typedef {import("../store.js").Store} Store */
/**
 * @typedef {{row: HTMLElement, name: HTMLElement, last: HTMLElement, change: HTMLElement, canvas:
 *   HTMLCanvasElement, stop: HTMLElement, price: number | null, spark: unknown}} Row
 */

const LONG_WAIT = 120e3; // milliseconds without a price after which a symbol may be unknown

/**
 * @param {string} symbol
 * @param {(symbol: string) => void} open
 * @param {(symbol: string) => Promise<void>} forget
 * @returns {Row}
 */
function makeRow(symbol, open, forget) {
  const name = el("small");
  const [last, change] = [el("td.c-last"), el("td.c-change")];
  const canvas = /** @type {HTMLCanvasElement} */ (el("canvas", { "aria-hidden": "true" }));
  const drop = (/** @type {Event} */ event) => {
    event.stopPropagation();
    void busy(stop, "…", () => forget(symbol));
  };
  const stop = el(
    "button.button.quiet.small",
    { "aria-label": `Stop following ${symbol}`, onclick: drop },
    "×",
  );
  const changed = el("span");
  change.append(changed, stop);
  const row = el(
    "tr",
    { "data-symbol": symbol, tabIndex: -1, "aria-selected": "false", onclick: () => open(symbol) },
    el("td", {}, el("b", {}, symbol), name),
    el("td.c-spark", {}, canvas),
    last,
    change,
  );
  return { row, name, last, change: changed, canvas, stop, price: null, spark: null };
}

/**
 * @param {Row} row
 * @param {Store} store
 * @param {import("../types.js").Listed} listed
 * @param {Record<string, string>} colors
 */
function renderRow(row, store, listed, colors) {
  const { quotes, sparks, view, chosen } = store.state;
  const quote = quotes.get(listed.symbol);
  const way = wayOf(quote?.change);
  setText(row.name, quote ? nameOf(listed, quote) : waitingText(listed));
  row.name.title = row.name.textContent ?? "";
  row.stop.hidden = Boolean(quote) || listed.seen;
  setText(row.last, formatPrice(quote?.price));
  setText(row.change, formatPercent(quote?.changePercent));
  row.change.dataset.way = way;
  const isOpen = (chosen || view.symbol) === listed.symbol;
  row.row.setAttribute("aria-selected", String(isOpen));
  row.row.tabIndex = isOpen ? 0 : -1;
  if (quote && row.price !== null && quote.price !== row.price)
    flashPrice(row.last, quote.price > row.price);
  row.price = quote?.price ?? null;
  const spark = sparks.get(listed.symbol);
  if (!spark || row.spark === spark) return;
  row.spark = spark;
  drawSparkline(row.canvas, spark, colors[way === "down" ? "down" : "up"]);
}

/**
 * @param {import("../types.js").Listed} listed
 * @param {import("../types.js").Quote} quote
 * @returns {string}
 */
function nameOf({ name }, { historical, time }) {
  return name ?? (historical ? `to ${formatDate(time, "UTC")}` : "");
}

/**
 * @param {import("../types.js").Listed} listed a followed symbol without a price
 * @returns {string}
 */
function waitingText({ addedAt }) {
  if (!addedAt) return "no price yet";
  const since = formatClock(Date.parse(addedAt), ownZone());
  return serverNow() - Date.parse(addedAt) < LONG_WAIT
    ? `collecting since ${since}`
    : `no price since ${since}: the source may not know the symbol`;
}

/** @param {HTMLElement} cell @param {boolean} up */
function flashPrice(cell, up) {
  cell.classList.remove(up ? "flash-down" : "flash-up");
  flash(cell, up ? "flash-up" : "flash-down");
}

/** @param {import("../data/sorting.js").Order} order @param {() => void} changed */
function sortHeads(order, changed) {
  /** @type {[string, "own" | "symbol" | "price" | "change", string][]} */
  const columns = [
    ["Symbol", "symbol", ""],
    ["Day", "own", "c-spark"],
    ["Last", "price", "c-last"],
    ["Change", "change", "c-change"],
  ];
  const heads = columns.map(([label, by, name]) => {
    const press = () => {
      const again = order.by === by;
      Object.assign(
        order,
        by === "own"
          ? { by, down: false }
          : again && order.down !== (by !== "symbol")
            ? { by: "own", down: false }
            : { by, down: again ? !order.down : by !== "symbol" },
      );
      changed();
    };
    const content =
      by === "own" ? el("span.head", {}, label) : el("button", { onclick: press }, label);
    return { by, node: el("th", { scope: "col", className: name }, content) };
  });
  const render = () => {
    for (const { by, node } of heads)
      node.setAttribute(
        "aria-sort",
        order.by === by && by !== "own" ? (order.down ? "descending" : "ascending") : "none",
      );
  };
  return { row: el("tr", {}, ...heads.map(({ node }) => node)), render };
}

/**
 * @param {Store} store
 * @param {import("../api.js").Api} api
 * @param {() => Record<string, string>} colors
 * @returns {() => string[]} returns the shown symbols in their order
 */
export function mountWatch(store, api, colors) {
  const order = knownOrder(recall("order", null));
  const search = /** @type {HTMLInputElement} */ (
    el("input.input", {
      type: "search",
      placeholder: "Search  /",
      "aria-label": "Search symbols",
      autocomplete: "off",
      spellcheck: false,
      oninput: () => render(),
    })
  );
  const body = el("tbody");
  const hint = el("p.hint", { role: "status" }, "Loading symbols …");
  const open = (/** @type {string} */ symbol) => store.choose(symbol);
  const forget = async (/** @type {string} */ symbol) =>
    (await import("./symbol_dialog.js")).stopFollowing(store, api, symbol);
  const ask = async () => (await import("./symbol_dialog.js")).askForSymbol(store, api);
  const add = el(
    "button.button.icon",
    {
      "aria-label": "Add a symbol",
      title: "Add a symbol",
      onclick: () => void busy(add, "…", ask),
    },
    "+",
  );
  const heads = sortHeads(order, () => {
    keep("order", order);
    render();
  });
  const head = el("div.panel-head", {}, search, add);
  const table = el("table", { "aria-label": "Symbols" }, el("thead", {}, heads.row), body);
  byId("watch").append(head, el("div.scroll", {}, table, hint));
  /** @type {Map<string, Row>} */
  const rows = new Map();

  const render = () => {
    const { symbols, quotes, link } = store.state;
    const shown = arrange(symbols, quotes, order, search.value);
    const palette = colors();
    const nodes = shown.map((listed) => {
      const row = rows.get(listed.symbol) ?? makeRow(listed.symbol, open, forget);
      rows.set(listed.symbol, row);
      renderRow(row, store, listed, palette);
      return row.row;
    });
    if (nodes.length !== body.children.length || nodes.some((node, i) => node !== body.children[i]))
      body.replaceChildren(...nodes);
    if (!nodes.some((node) => node.tabIndex === 0) && nodes[0]) nodes[0].tabIndex = 0;
    heads.render();
    hint.hidden = nodes.length > 0;
    setText(
      hint,
      search.value
        ? `No symbol matches “${search.value}”.`
        : link.state === "connecting" || link.state === "offline"
          ? "Loading symbols …"
          : "No symbols yet: they appear when the first price is stored.",
    );
  };
  store.watch(["symbols", "quotes", "sparks", "view", "chosen", "link", "theme"], render);
  store.when(
    ({ theme }) => theme,
    () => rows.forEach((row) => (row.spark = null)),
  );
  bindWatchKeys(search, body, open);
  render();
  const shown = /** @type {HTMLCollectionOf<HTMLElement>} */ (body.children);
  return () => [...shown].map(({ dataset }) => String(dataset.symbol));
}
