// Connects the page: config -> api -> store -> views. Data flows one way: feed and loader put
// answers into the store, views render from it, and the reader's actions change the store.

import { Api, ApiError } from "./api.js";
import { allowOnly, loadConfig } from "./config.js";
import { keep, recall, token } from "./settings.js";
import { loadPlotly } from "./chart/plotly.js";
import { Feed } from "./feed.js";
import { Loader } from "./loader.js";
import { Store, initialState } from "./store.js";
import { byId, el } from "./dom.js";
import { readView, recalledView, writeView } from "./url.js";
import { knownTheme } from "./theme.js";
import { mountChart } from "./views/chart_view.js";

const PATIENCE = 1500; // the longest that all other work waits for the first chart, in ms

/**
 * Keep the address and the view in sync.
 * @param {Store} store @returns {boolean} whether the address named a symbol
 */
function bindAddress(store) {
  const base = initialState().view;
  const named = Boolean(readView(location.hash, base).symbol);
  const known = readView(location.hash, {
    ...recalledView(recall("view", {}), base),
    page: "chart",
    from: 0,
    to: 0,
  });
  store.set({ view: known, theme: knownTheme(recall("theme", "auto")) });
  store.watch(["view"], ({ view }) => {
    history.replaceState(null, "", writeView(view, base));
    const { indicators, clock, type, symbol, desk, linked } = view;
    keep("view", { indicators, clock, type, symbol, desk, linked });
  });
  const frame = (/** @type {number} */ charts) => (document.body.dataset.charts = String(charts));
  store.when(({ view }) => view.desk.length + 1, frame);
  frame(known.desk.length + 1);
  addEventListener("hashchange", () =>
    store.set({ view: readView(location.hash, { ...base, symbol: store.state.view.symbol }) }),
  );
  return named;
}

/**
 * Select the first symbol of the list if the address names none.
 * @param {Store} store @param {string} remembered the last visit's symbol; used if listed
 */
function bindFirstSymbol(store, remembered) {
  store.when(
    ({ symbols }) => symbols,
    (symbols) => {
      const { symbol } = store.state.view;
      const free =
        !symbol || (symbol === remembered && !symbols.some((listed) => listed.symbol === symbol));
      if (free && symbols.length) store.setView({ symbol: symbols[0].symbol });
    },
  );
  store.when(
    ({ link, symbols, view }) => link.state === "live" && !symbols.length && !view.symbol,
    (none) => none && store.set({ chartState: "empty" }),
  );
}

/** @param {number} milliseconds */
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @returns {Promise<unknown>} resolves after the next frame, or soon if the page is hidden */
const painted = () =>
  Promise.race([
    wait(200),
    new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
  ]);

/**
 * Load a script; try again if the connection drops.
 * @template T
 * @param {() => Promise<T>} load @param {number} [tries] after the first @returns {Promise<T>}
 */
const retried = (load, tries = 3) =>
  load().catch((error) =>
    tries ? wait(1000).then(() => retried(load, tries - 1)) : Promise.reject(error),
  );

async function start() {
  const opened = location.href; // the view soon replaces what follows the #
  const store = new Store(initialState());
  const named = bindAddress(store);
  const config = await loadConfig();
  allowOnly(config.api, config.push);
  store.set({ averages: config.averages });
  const api = new Api(config.api, token);
  const loader = new Loader(api, store);
  const feed = new Feed(api, store, config.poll_seconds, loader);
  feed.askForToken = async (error) =>
    (await import("./views/token_dialog.js")).askForReading(error);
  store.when(
    ({ view }) => [view.range, view.interval, view.start].join(),
    () => store.setView({ from: 0, to: 0 }),
  );
  bindFirstSymbol(store, named ? "" : store.state.view.symbol);
  const answered = new Promise((resolve) =>
    store.when(({ chartState }) => chartState !== "loading", resolve),
  );
  void loader.load();
  feed.wake();
  const chart = mountChart(store);
  // The chart comes first, its surroundings follow in the next frame.
  await Promise.race([answered, wait(PATIENCE)]);
  const rest = retried(() => import("./later.js"));
  document.body.classList.remove("starting");
  chart.commit();
  await painted();
  const library = retried(loadPlotly);
  library.catch(() => {}); // mountLater reports it
  const { mountFrame, mountLater, Push } = await rest;
  mountFrame(store, api, feed, chart);
  mountLater(store, api, feed, chart, opened, library);
  if (config.push) new Push(api, store, feed);
}

start().catch((error) => {
  document.body.classList.remove("starting");
  byId("chart-message").replaceChildren(
    el(
      "p",
      {},
      error instanceof ApiError || error instanceof Error ? error.message : String(error),
    ),
  );
  console.error(error);
});
