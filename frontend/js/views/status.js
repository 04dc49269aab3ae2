// What a reader must know before believing a price: where it comes from, how old it is, whether the market is open,
// and whether the page still hears from its API.

import { byId, el, setText } from "../dom.js";
import { formatAge, formatClock, formatDay, ownZone, zoneName } from "../format.js";
import { serverNow } from "../clock.js";

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("../types.js").Quote} Quote */

const DELAYED_SECONDS = 60;

/** @type {Record<string, string>} */
const SOURCES = { yfinance: "Yahoo Finance", "yfinance-live": "Yahoo Finance, streaming", simulator: "Simulator", replay: "Recording", unknown: "Unnamed source" };

/** @param {string} source */
export const sourceName = (source) => SOURCES[source] ?? source;

/** @param {string} source */
export const isSimulated = (source) => source.startsWith("simulator");

/** @param {import("../types.js").Link} link @param {number} now @returns {string} */
export function linkText(link, now) {
  const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
  return {
    connecting: "Connecting", live: "Live", paused: "Paused",
    retrying: `No answer, again in ${seconds} s`, offline: "Offline",
  }[link.state];
}

/** @param {Quote} quote @param {number} now by the server's clock @returns {{text: string, kind: "" | "warn" | "bad"}} */
export function ageText(quote, now) {
  const age = (now - quote.time) / 1000;
  const text = `Data ${formatAge(age)} old`;
  if (isClosed(quote)) return { text, kind: "" };
  if (quote.stale) return { text: `Stale: ${formatAge(age)} old`, kind: "bad" };
  return age > DELAYED_SECONDS ? { text: `Delayed: ${formatAge(age)}`, kind: "warn" } : { text, kind: "" };
}

/** @param {Quote} quote */
const isClosed = (quote) => quote.marketState === "CLOSED";

/** @param {Quote} quote @param {string} zone for the time of opening */
export function sessionText(quote, zone) {
  const names = /** @type {Record<string, string>} */ ({ REGULAR: "Market open", PRE: "Pre-market", POST: "After hours" });
  if (!isClosed(quote)) return names[quote.marketState ?? ""] ?? "";
  if (!quote.nextOpen) return "Market closed";
  return `Market closed until ${formatDay(quote.nextOpen, zone)} ${formatClock(quote.nextOpen, zone)} ${zoneName(zone, quote.nextOpen)}`;
}

/** @param {Store} store @param {{retry: () => void}} feed */
export function mountStatus(store, feed) {
  const dot = el("span.dot", { "aria-hidden": "true" });
  const linkLabel = el("span", {}, "Connecting");
  const link = el("button.badge.button", { type: "button", title: "Ask again now", onclick: () => feed.retry() }, dot, linkLabel);
  const simulated = el("span.badge.warn", { title: "Prices are made up by a simulator: no real company, no real market" }, "SIMULATED");
  const source = el("span.badge.source");
  const age = el("span.badge.age");
  const session = el("span.badge.session");
  byId("status").append(simulated, source, session, age, link);

  const render = () => {
    const { view, quotes, link: state } = store.state;
    const quote = quotes.get(view.symbol);
    link.dataset.link = state.state;
    link.title = state.reason || "Ask again now";
    link.classList.toggle("bad", state.state === "offline" || state.state === "retrying");
    setText(linkLabel, linkText(state, Date.now()));
    for (const node of [source, age, session]) node.hidden = !quote;
    simulated.hidden = !quote || !isSimulated(quote.source);
    if (!quote) return;
    setText(source, sourceName(quote.source));
    source.hidden = isSimulated(quote.source);
    const { text, kind } = ageText(quote, serverNow());
    setText(age, text);
    age.className = `badge age ${kind}`;
    const said = sessionText(quote, view.clock === "local" ? ownZone() : quote.zone);
    setText(session, said);
    session.hidden = !said;
  };
  store.watch(["quotes", "link", "view"], render);
  setInterval(render, 1000); // an age grows while nothing arrives
  render();
}
