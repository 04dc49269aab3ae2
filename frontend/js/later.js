// What comes after the first chart: what stands around it, then alerts and rules, signals, the data's table, keys,
// sparklines, the other views.

import { AlertsFeed } from "./alerts_feed.js";
import { mountActivity } from "./views/activity.js";
import { mountBelow } from "./views/below.js";
import { bindKeys } from "./views/chart_keys.js";
import { RuleLine } from "./views/rule_line.js";
import { byId } from "./dom.js";
import { mountExport } from "./views/export.js";
import { mountQuote, mountStatus, mountTop } from "./views/top.js";
import { mountToken } from "./views/dialog.js";
import { mountToolbar } from "./views/toolbar.js";
import { mountWatch } from "./views/watch.js";
import { bindSparks } from "./views/watch_sparks.js";

/** @param {import("./store.js").Store} store @param {import("./api.js").Api} api @param {import("./feed.js").Feed} feed @param {import("./views/chart_view.js").ChartView} chart */
export function mountFrame(store, api, feed, chart) {
  mountTop(store);
  mountStatus(store, feed);
  mountToken();
  mountQuote(store);
  mountExport(mountToolbar(store), chart);
  mountWatch(store, api, () => chart.colors);
}

/** @param {import("./store.js").Store} store @param {import("./api.js").Api} api @param {import("./views/chart_view.js").ChartView} chart */
export function mountLater(store, api, chart) {
  bindKeys(chart);
  new RuleLine(chart, /** @type {HTMLElement} */ (byId("toolbar").querySelector("[data-pick]")));
  mountBelow(chart);
  bindSparks(store, api);
  mountActivity(store, api, new AlertsFeed(api, store), chart);
  mountPages(store, api, chart);
}

// Which of the three views is shown; the two that are not the first are loaded when they are first asked for.
/** @param {import("./store.js").Store} store @param {import("./api.js").Api} api @param {import("./views/chart_view.js").ChartView} chart */
function mountPages(store, api, chart) {
  const opened = new Set();
  const load = {
    compare: async () => new (await import("./views/compare.js")).CompareView(store, api, chart),
    history: async () => new (await import("./views/history.js")).HistoryView(store, api, chart),
  };
  const render = () => {
    const { page } = store.state.view;
    document.body.dataset.page = page;
    for (const name of ["chart", "compare", "history"]) byId(name).hidden = name !== page;
    if (page === "chart") chart.commit();
    else if (!opened.has(page)) {
      opened.add(page);
      void load[page]();
    }
  };
  store.when(({ view }) => view.page, render);
  if (store.state.view.page !== "chart") render();
}
