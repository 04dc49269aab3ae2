// Loads the view of an alert's story when the first one is opened.

import { leaveAlert } from "./show_alert.js";

/**
 * @param {import("../store.js").Store} store
 * @param {import("../api.js").Api} api
 * @param {import("./chart_note.js").ChartNote} note
 */
export function bindStory(store, api, note) {
  let isLoading = false; // or loaded
  const load = async () => {
    if (isLoading || !store.state.view.alert) return;
    isLoading = true;
    try {
      (await import("./story.js")).mountStory(store, api);
    } catch {
      isLoading = false;
      leaveAlert(store);
      note.show("The alert's story could not be loaded. Try again.");
    }
  };
  store.when(({ view }) => view.alert, load);
  void load();
}
