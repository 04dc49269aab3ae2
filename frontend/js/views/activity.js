// The panel with the tabs of alerts and rules, and the buttons for mutes and notifications.

import { KEPT } from "../alerts_feed.js";
import { busy, byId, el, flash } from "../dom.js";
import { AlertsPanel } from "./alerts.js";
import { openMutes } from "./mute_links.js";
import { RulesPanel } from "./rules.js";
import { bindNotifications } from "./notifications.js";

/** @typedef {import("../store.js").Store} Store */

/**
 * @param {Store} store
 * @param {import("../api.js").Api} api
 * @param {import("../alerts_feed.js").AlertsFeed} feed
 * @param {import("./chart_view.js").ChartView} chart
 * @returns {RulesPanel}
 */
export function mountActivity(store, api, feed, chart) {
  const panels = { alerts: new AlertsPanel(store, api), rules: new RulesPanel(store, api, feed) };
  let open = /** @type {keyof typeof panels} */ ("alerts");
  const count = { alerts: el("span.count"), rules: el("span.count") };
  const names = { alerts: "Fired", rules: "Rules" };
  const tabs = /** @type {(keyof typeof panels)[]} */ (["alerts", "rules"]).map((name) => ({
    name,
    node: el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": `panel-${name}`,
        onclick: () => show(name),
      },
      names[name],
      count[name],
    ),
  }));
  const bar = el(
    "div.segments",
    { role: "tablist", "aria-label": "Alerts and rules" },
    ...tabs.map(({ node }) => node),
  );
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs.find(({ name, node }) => name !== open && !node.hidden);
    if (!other) return;
    show(other.name);
    other.node.focus();
  });
  for (const { name } of tabs)
    Object.assign(panels[name].node, { id: `panel-${name}` }).setAttribute("role", "tabpanel");
  for (const { name } of tabs) panels[name].node.setAttribute("aria-labelledby", `tab-${name}`);
  const mutes = el(
    "button.button.quiet",
    {
      onclick: () =>
        void busy(mutes, "…", () => openMutes(api, { symbol: store.state.view.symbol })),
    },
    "Mutes",
  );
  byId("activity").append(
    el("div.panel-head", {}, bar, el("span.grow"), mutes, bindNotifications(store)),
    panels.alerts.node,
    panels.rules.node,
  );

  const show = (/** @type {keyof typeof panels} */ name) => {
    open = name;
    render();
  };
  const render = () => {
    const { alerts, rules } = store.state;
    const today = new Date().toISOString().slice(0, 10);
    const fired = (alerts ?? []).filter((alert) =>
      new Date(alert.time).toISOString().startsWith(today),
    ).length;
    count.alerts.textContent = alerts ? ` ${fired}${fired === KEPT ? "+" : ""}` : "";
    count.rules.textContent = rules ? ` ${rules.filter((rule) => rule.enabled).length}` : "";
    for (const { name, node } of tabs) {
      node.setAttribute("aria-selected", String(name === open));
      node.tabIndex = name === open ? 0 : -1;
      panels[name].node.hidden = name !== open;
    }
    tabs[1].node.hidden = mutes.hidden = rules === null;
    panels[open].render();
  };
  let newest = "";
  store.watch(["alerts"], ({ alerts }) => {
    const id = alerts?.[0]?.id ?? "";
    if (newest && id !== newest && open !== "alerts") flash(tabs[0].node, "fresh");
    newest = id;
  });
  store.watch(["alerts", "symbolAlerts", "rules", "quotes", "view", "focus"], render);
  chart.chart.addEventListener("pick", (event) => {
    store.set({ picking: false });
    if (store.state.rules === null) return;
    show("rules");
    panels.rules.create(/** @type {CustomEvent<number | null>} */ (event).detail ?? undefined);
  });
  render();
  return panels.rules;
}
