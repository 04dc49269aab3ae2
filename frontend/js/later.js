// Mounts what follows the first chart: its surroundings, then alerts and rules, signals, the data
// table, keys, sparklines, and the other views.

import { AlertsFeed } from "./alerts_feed.js";
export { Push } from "./push.js";
import { mountActivity } from "./views/activity.js";
import { mountBelow } from "./views/below.js";
import { bindMarks, leaveAlert } from "./views/show_alert.js";
import { bindKeys } from "./views/chart_keys.js";
import { ChartNote } from "./views/chart_note.js";
import { bindMeasure } from "./views/measure_start.js";
import { RuleLine } from "./views/rule_line.js";
import { RuleLines } from "./views/rule_lines.js";
import { byId } from "./dom.js";
import { mountExport } from "./views/export.js";
import { mountMuteLinks } from "./views/mute_links.js";
import { mountQuote } from "./views/quote.js";
import { onDemand } from "./views/on_demand.js";
import { mountStatus } from "./views/status.js";
import { mountTop } from "./views/top.js";
import { mountToken } from "./views/token_dialog.js";
import { mountToolbar } from "./views/toolbar.js";
import { mountWatch } from "./views/watch.js";
import { bindSparks } from "./views/watch_sparks.js";
import { mountPages } from "./views/pages.js";

const MISSING =
  "Dragging needs the chart's library, which could not be loaded. Reload the page to try again.";

/**
 * @param {import("./store.js").Store} store
 * @param {import("./api.js").Api} api
 * @param {import("./feed.js").Feed} feed
 * @param {import("./views/chart_view.js").ChartView} chart
 */
export function mountFrame(store, api, feed, chart) {
  mountTop(store);
  mountStatus(store, feed);
  mountToken();
  mountQuote(store);
  mountExport(mountToolbar(store), chart);
  bindPhone(
    store,
    mountWatch(store, api, () => chart.colors),
  );
}

/**
 * Load the additions for narrow pages once the page is narrow; it works without them.
 * @param {import("./store.js").Store} store
 * @param {() => string[]} listed the symbols in the watch-list's order
 */
function bindPhone(store, listed) {
  const narrow = matchMedia("(max-width: 820px)");
  const load = () => {
    if (!narrow.matches) return;
    narrow.removeEventListener("change", load);
    import("./views/phone.js").then(
      ({ mountPhone }) => mountPhone(store, listed, narrow),
      () => {},
    );
  };
  narrow.addEventListener("change", load);
  load();
}

/**
 * @param {import("./store.js").Store} store
 * @param {import("./api.js").Api} api
 * @param {import("./feed.js").Feed} feed
 * @param {import("./views/chart_view.js").ChartView} chart
 * @param {string} opened the address that the page was opened with
 * @param {Promise<unknown>} library Plotly, which may still be loading
 */
export function mountLater(store, api, feed, chart, opened, library) {
  bindKeys(chart);
  new RuleLine(chart, /** @type {HTMLElement} */ (byId("toolbar").querySelector("[data-pick]")));
  mountBelow(chart, api);
  bindSparks(store, api);
  const note = new ChartNote();
  library.catch(() => note.show(MISSING));
  new RuleLines(chart, note, mountActivity(store, api, new AlertsFeed(api, store), chart));
  bindMeasure(chart, note);
  mountPages(store, api, chart);
  onDemand(
    store,
    ({ view }) => view.alert,
    async () => {
      const { mountStory } = await import("./views/story.js");
      return () => mountStory(store, api);
    },
    () => {
      leaveAlert(store);
      note.show("The alert could not be loaded. Try again.");
    },
  );
  onDemand(
    store,
    ({ view }) => view.desk.length,
    async () => {
      const { Desk, styled } = await import("./views/desk.js");
      await styled();
      return () => void new Desk(api, feed, chart);
    },
    () => note.show("The other charts could not be loaded. Choose the layout again."),
  );
  bindMarks(store);
  mountMuteLinks(api, opened);
  navigator.serviceWorker?.register("sw.js").catch(() => {}); // the page works without it
}
