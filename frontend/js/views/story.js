// The story of an alert: what fired, and its delivery on each channel, requested again while it is
// open and a delivery is pending. Loaded with the first story (later.js).

import { ApiError } from "../api.js";
import { listChannels } from "../channel_requests.js";
import { alertText, conditionWay, deliveryText } from "../data/conditions.js";
import { figuresOf, isFinal, judgedOf, judgedQuery, statusText } from "../data/story.js";
import { byId, el, setText } from "../dom.js";
import { arrowOf, formatClock } from "../format.js";
import { leaveAlert, showAlert } from "./show_alert.js";

/** @typedef {import("../types.js").Alert} Alert */

const EVERY = 3000; // milliseconds between two requests

/** @param {import("../store.js").Store} store @param {import("../api.js").Api} api */
export function mountStory(store, api) {
  const node = byId("story");
  const [title, close, message, list, figures] = ["h2", "button", "p", "ul", "dl"].map(
    (name) => /** @type {HTMLElement} */ (node.querySelector(name)),
  );
  close.addEventListener("click", () => leaveAlert(store));
  let isTold = false; // whether the open alert's first answer was shown
  let isSettled = true; // whether nothing can change any more
  /** @type {HTMLElement | null} */
  let opener = null;
  /** @type {Promise<import("../types.js").Channel[]> | undefined} for their names */
  let channels;

  const show = (/** @type {string} */ id) => {
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const isWithin = node.contains(active);
    isSettled = !id;
    isTold = false;
    node.hidden = !id;
    if (!id) return isWithin && opener?.focus();
    if (!isWithin) opener = active;
    const { focus } = store.state;
    setText(title, "Alert");
    setText(message, "Loading …");
    list.replaceChildren();
    figures.replaceChildren();
    if (focus?.id === id) tell(focus);
    title.focus({ preventScroll: true });
    if (matchMedia("(max-width: 820px)").matches) byId("chart").scrollIntoView();
    channels = undefined;
    void ask();
  };

  const ask = async () => {
    const id = store.state.view.alert;
    const isOpen = () => store.state.view.alert === id;
    try {
      const { alert, deliveries } = await api.alert(id);
      if (deliveries.length) channels ??= listChannels(api).catch(() => []);
      const known = await channels;
      if (!isOpen()) return;
      if (!isTold) open(alert);
      isTold = true;
      isSettled = isFinal(alert, deliveries);
      const zone = store.zoneOf(alert.symbol);
      const lines = deliveries.map((delivery) => {
        const channel = known?.find(({ channel_id: id }) => id === delivery.channel);
        const name = channel?.name ?? delivery.channel;
        return { status: delivery.status, text: `${name}: ${statusText(delivery, zone)}` };
      });
      if (!lines.length)
        lines.push({ status: "", text: deliveryText(alert, (until) => formatClock(until, zone)) });
      lines.forEach(({ status, text }, i) => {
        const line = /** @type {HTMLElement} */ (list.children[i] ?? list.appendChild(el("li")));
        line.dataset.status = status;
        setText(line, text);
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!isOpen()) return;
      isSettled = error.status >= 400 && error.status < 500;
      setText(message, error.status === 404 ? "This alert has been deleted." : error.message);
    }
  };
  setInterval(() => !isSettled && !document.hidden && void ask(), EVERY);

  /** Show the chart at an alert, and request what its rule judged. @param {Alert} alert */
  const open = (alert) => {
    if (store.state.focus?.id !== alert.id) showAlert(store, alert);
    tell(alert);
    if (alert.condition === "test") return;
    api.points(alert.symbol, judgedQuery(alert)).then(
      (prices) =>
        store.state.view.alert === alert.id && store.set({ judged: judgedOf(alert, prices) }),
      () => {}, // its prices have expired: the chart shows the signal's line alone
    );
  };

  const tell = (/** @type {Alert} */ alert) => {
    title.dataset.way = conditionWay(alert.condition);
    setText(
      title,
      `${arrowOf(conditionWay(alert.condition))} ${alert.symbol} · ${alertText(alert)}`,
    );
    setText(message, alert.message);
    figures.replaceChildren(
      ...figuresOf(alert, store.zoneOf(alert.symbol)).map(([name, value, line]) =>
        el("div", {}, el(line ? `dt.${line}` : "dt", {}, name), el("dd", {}, value)),
      ),
    );
  };

  const leaveElsewhere = () => {
    const { focus, view } = store.state;
    const isElsewhere = view.page !== "chart" || (focus && focus.symbol !== view.symbol);
    if (view.alert && isElsewhere && focus?.condition !== "test") leaveAlert(store);
  };
  store.when(({ view }) => view.alert, show);
  store.when(({ view }) => view.page + view.symbol, leaveElsewhere);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && store.state.view.alert && !document.querySelector("dialog"))
      leaveAlert(store);
  });
  leaveElsewhere(); // the reader may have gone on while this module was loading
  if (store.state.view.alert) show(store.state.view.alert);
}
