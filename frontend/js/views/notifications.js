// Optional browser notifications of alerts while the page is open.

import { busy, disable, el } from "../dom.js";
import { keep, recall } from "../settings.js";

/**
 * @param {import("../store.js").Store} store
 * @returns {HTMLElement} the button; an empty span if the browser has no notifications
 */
export function bindNotifications(store) {
  if (!("Notification" in window)) return el("span");
  let on = recall("notify", false) === true && Notification.permission === "granted";
  /** @type {Set<string> | null} */
  let known = null;
  const button = el("button.button.quiet", { onclick: () => void toggle() });
  const render = () => {
    const denied = Notification.permission === "denied";
    disable(button, denied ? "Notifications are blocked in this browser's settings" : "");
    button.textContent = denied ? "Notify: blocked" : on ? "Notify: on" : "Notify";
    button.setAttribute("aria-pressed", String(on));
    button.title ||= "Show a notification when an alert fires while this page is open";
  };
  const toggle = () =>
    busy(button, "Waiting for permission …", async () => {
      on = !on && (await Notification.requestPermission()) === "granted";
      keep("notify", on);
      render();
    });
  addEventListener("focus", render); // the browser's settings may have changed
  store.watch(["alerts"], ({ alerts }) => {
    if (!alerts) return;
    const fresh = known ? alerts.filter(({ id, quiet }) => !quiet && !known?.has(id)) : [];
    known = new Set(alerts.map((alert) => alert.id));
    if (on)
      for (const alert of fresh.slice(0, 5))
        new Notification(`Ticktape: ${alert.symbol}`, {
          body: alert.message || alert.condition,
          tag: alert.id,
        });
  });
  render();
  return button;
}
