// Shows one of the three views: chart, compare or history. The last two are loaded on first use.

import { byId, el } from "../dom.js";

/**
 * @param {import("../store.js").Store} store
 * @param {import("../api.js").Api} api
 * @param {import("./chart_view.js").ChartView} chart
 */
export function mountPages(store, api, chart) {
  const opened = new Set();
  const load = {
    compare: async () => new (await import("./compare.js")).CompareView(store, api, chart),
    history: async () => new (await import("./history.js")).HistoryView(store, api, chart),
  };
  const render = () => {
    const { page } = store.state.view;
    document.body.dataset.page = page;
    for (const name of ["chart", "compare", "history"]) byId(name).hidden = name !== page;
    if (page === "chart") chart.commit();
    else if (!opened.has(page)) {
      byId(page).replaceChildren();
      opened.add(page);
      load[page]().catch((error) => {
        if (!(error instanceof TypeError)) throw error; // a module cannot be fetched
        opened.delete(page);
        byId(page).replaceChildren(
          el("p.problem", { role: "alert" }, "This view could not be loaded."),
          el("button.button", { onclick: render }, "Try again"),
        );
      });
    }
  };
  store.when(({ view }) => view.page, render);
  if (store.state.view.page !== "chart") render();
}
