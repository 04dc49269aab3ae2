// The views' tabs and the switch of the theme.

import { byId, el, setText } from "../dom.js";
import { applyTheme, keep } from "../settings.js";
import { arrowOf, formatAge, formatClock, formatDate, formatDay, formatPercent, formatPrice, formatSeconds, formatSigned, formatVolume, ownZone, placesOf, wayOf, zoneName } from "../format.js";
import { serverNow } from "../server_clock.js";

/** @typedef {import("../store.js").Store} Store */

/** @type {["chart" | "compare" | "history", string][]} */
const PAGES = [["chart", "Chart"], ["compare", "Compare"], ["history", "History"]];

/** @type {Record<string, ["auto" | "dark" | "light", string]>} what a press leads to, and what is said of the present */
const NEXT = { auto: ["dark", "Theme: as the system"], dark: ["light", "Theme: dark"], light: ["auto", "Theme: light"] };

const GLYPHS = { auto: "◐", dark: "☾", light: "☀" };

/** @param {Store} store */
export function mountTop(store) {
  const buttons = PAGES.map(([page, label]) => el("button", { type: "button", onclick: () => store.setView({ page }) }, label));
  byId("pages").append(el("div.segments", {}, ...buttons));
  const theme = el("button.button.quiet.icon", { type: "button", onclick: () => store.set({ theme: NEXT[store.state.theme][0] }) });
  byId("top-actions").append(theme);

  const render = () => {
    const { view } = store.state;
    PAGES.forEach(([page], i) => buttons[i].toggleAttribute("aria-current", view.page === page));
    PAGES.forEach(([page], i) => view.page === page && buttons[i].setAttribute("aria-current", "page"));
    const [, label] = NEXT[store.state.theme];
    theme.textContent = GLYPHS[store.state.theme];
    theme.setAttribute("aria-label", label);
    theme.title = label;
  };
  store.watch(["view", "theme"], render);
  store.when(({ theme: chosen }) => chosen, (chosen) => {
    applyTheme(chosen);
    keep("theme", chosen);
  });
  applyTheme(store.state.theme);
  render();
}

// The open symbol: its name, last price and change.

/** @param {import("../store.js").Store} store */
export function mountQuote(store) {
  const symbol = el("h1", {}, "–");
  const name = el("span.name");
  const price = el("span.value");
  const currency = el("span.currency");
  const change = el("span.change");
  const [previous, volume, time] = [el("b"), el("b"), el("b")];
  const fact = (/** @type {string | HTMLElement} */ label, /** @type {HTMLElement} */ value) => el("span", {}, label, value);
  const [volumeOf, timeOf] = [el("span"), el("span")];
  byId("quote").append(symbol, el("span.price", {}, price, currency), change, name,
    el("div.facts", {}, fact("Previous close", previous), fact(volumeOf, volume), fact(timeOf, time)));

  const render = () => {
    const { view, quotes, symbols } = store.state;
    const quote = quotes.get(view.symbol);
    setText(symbol, view.symbol || "–");
    setText(name, quote?.name ?? symbols.find((s) => s.symbol === view.symbol)?.name ?? "");
    const places = quote ? placesOf(quote.price) : 2;
    setText(price, view.symbol ? formatPrice(quote?.price, places) : "");
    setText(currency, quote?.currency ?? "");
    const way = wayOf(quote?.change);
    change.dataset.way = way;
    setText(change, quote?.change == null ? "" : `${arrowOf(way)} ${formatSigned(quote.change, places)} (${formatPercent(quote.changePercent)})`);
    setText(previous, formatPrice(quote?.previousClose, places));
    setText(volume, formatVolume(quote?.volume));
    const zone = view.clock === "local" ? ownZone() : (quote?.zone ?? "UTC");
    setText(volumeOf, quote?.historical ? "Volume" : "Session volume");
    setText(timeOf, quote?.historical ? "Last day" : "Last tick");
    setText(time, quote ? timeText(quote, zone) : "–");
    document.title = quote ? `${formatPrice(quote.price, places)} ${view.symbol} · Ticktape` : "Ticktape";
  };
  store.watch(["quotes", "view", "symbols"], render);
  render();
}

/** @param {Quote} quote @param {string} zone */
function timeText({ historical, time }, zone) {
  return historical ? formatDate(time, "UTC") : `${formatSeconds(time, zone)} ${zoneName(zone, time)}`;
}

// What a reader must know before believing a price: where it comes from, how old it is, whether the market is open,
// and whether the page still hears from its API.

/** @typedef {import("../types.js").Quote} Quote */

const ASKING_SHOWN = 600; // milliseconds for which a press is seen to be heard, however soon the answer comes
const DELAYED_SECONDS = 60;
const BEHIND_SECONDS = 5; // a batch under way is no lag

/** @type {Record<string, string>} */
const SOURCES = { yfinance: "Yahoo Finance", "yfinance-live": "Yahoo Finance, streaming", simulator: "Simulator", replay: "Recording", unknown: "Unnamed source" };

/** @param {string} source */
export const sourceName = (source) => SOURCES[source] ?? source;

/** @param {string} source */
export const isSimulated = (source) => source.startsWith("simulator");

/** @param {import("../types.js").Link} link @param {number} now @returns {string} */
function linkText(link, now) {
  const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
  return {
    connecting: "Connecting", live: "Live", paused: "Paused",
    retrying: `No answer, again in ${seconds} s`, offline: "Offline",
  }[link.state];
}

/** @param {Quote} quote @param {number} now by the server's clock @returns {{text: string, kind: "" | "warn" | "bad"}} */
function ageText(quote, now) {
  const age = (now - quote.time) / 1000;
  if (quote.historical) return { text: `History until ${formatDate(quote.time, "UTC")}`, kind: "" };
  const text = `Data ${formatAge(age)} old`;
  if (isClosed(quote)) return { text, kind: "" };
  if (quote.stale) return { text: `Stale: ${formatAge(age)} old`, kind: "bad" };
  const delayed = quote.exchangeDelay > 0 || age > DELAYED_SECONDS;
  return delayed ? { text: `Delayed: ${formatAge(age)}`, kind: "warn" } : { text, kind: "" };
}

/** @param {Quote} quote */
const delayText = ({ exchangeDelay, source }) =>
  exchangeDelay > 0 ? `${sourceName(source)} gives prices of this exchange ${exchangeDelay / 60} minutes late` : "";

/** @param {Quote} quote */
const isClosed = (quote) => quote.marketState === "CLOSED";

/** @param {Quote} quote @param {string} zone for the time of opening */
function sessionText(quote, zone) {
  const names = /** @type {Record<string, string>} */ ({ REGULAR: "Market open", PRE: "Pre-market", POST: "After hours" });
  if (!isClosed(quote)) return names[quote.marketState ?? ""] ?? "";
  if (!quote.nextOpen) return "Market closed";
  return `Market closed until ${formatDay(quote.nextOpen, zone)} ${formatClock(quote.nextOpen, zone)} ${zoneName(zone, quote.nextOpen)}`;
}

/** @param {Store} store @param {{retry: () => void}} feed */
export function mountStatus(store, feed) {
  const dot = el("span.dot", { "aria-hidden": "true" });
  const linkLabel = el("span", {}, "Connecting");
  const link = el("button.badge.button", { type: "button", title: "Ask again now", onclick: () => ask() }, dot, linkLabel);
  const simulated = el("span.badge.warn", { title: "Prices are made up by a simulator: no real company, no real market" }, "SIMULATED");
  const source = el("span.badge.source");
  const age = el("span.badge.age");
  const session = el("span.badge.session");
  const behind = el("span.badge.warn.lag", { title: "Prices are stored whose bars, signals and alerts are still being made" });
  byId("status").append(behind, simulated, source, session, age, link);

  /** @type {unknown} how the link stood when the reader asked; each answer brings another one */
  let askedAt = null;
  let shownUntil = 0;
  const ask = () => {
    askedAt = store.state.link;
    shownUntil = performance.now() + ASKING_SHOWN;
    feed.retry();
    render();
    setTimeout(render, ASKING_SHOWN);
  };
  const render = () => {
    const { view, quotes, lag, link: state, series } = store.state;
    behind.hidden = lag < BEHIND_SECONDS;
    setText(behind, `Catching up: ${formatAge(lag)} behind`);
    const quote = quotes.get(view.symbol);
    link.dataset.link = state.state;
    link.title = state.reason || "Ask again now";
    link.classList.toggle("bad", state.state === "offline" || state.state === "retrying");
    setText(linkLabel, askedAt === state || performance.now() < shownUntil ? "Asking …" : linkText(state, Date.now()));
    for (const node of [source, age, session]) node.hidden = !quote;
    const origin = quote?.source ?? (series?.symbol === view.symbol ? series.source : "");
    simulated.hidden = !isSimulated(origin); // bars come before the first quote
    if (!quote) return;
    setText(source, sourceName(quote.source));
    source.hidden = isSimulated(quote.source);
    const { text, kind } = ageText(quote, serverNow());
    setText(age, text);
    age.className = `badge age ${kind}`;
    age.title = delayText(quote);
    const said = sessionText(quote, view.clock === "local" ? ownZone() : quote.zone);
    setText(session, said);
    session.hidden = !said;
  };
  store.watch(["quotes", "link", "view", "series"], render);
  setInterval(render, 1000); // an age grows while nothing arrives
  render();
}
