// What may come after the first chart: alerts and rules, signals, the data's table, keys, sparklines, the other views.

import { AlertsFeed } from "./alerts_feed.js";
import { mountActivity } from "./views/activity.js";
import { mountBelow } from "./views/below.js";
import { bindKeys } from "./views/chart_keys.js";
import { mountPages } from "./views/pages.js";
import { bindSparks } from "./views/watch_sparks.js";

/** @param {import("./store.js").Store} store @param {import("./api.js").Api} api @param {import("./views/chart_view.js").ChartView} chart */
export function mountLater(store, api, chart) {
  bindKeys(chart);
  mountBelow(chart);
  bindSparks(store, api);
  mountActivity(store, api, new AlertsFeed(api, store), chart);
  mountPages(store, api, chart);
}
