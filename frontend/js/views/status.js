// Shows how reliable a price is: its source and age, whether the market is open, and whether the
// API answers.

import { byId, el, setText } from "../dom.js";
import { formatAge, formatClock, formatDate, formatDay, ownZone, zoneName } from "../format.js";
import { serverNow } from "../server_clock.js";

/** @typedef {import("../store.js").Store} Store */

/** @typedef {import("../types.js").Quote} Quote */

/** Least milliseconds for which a press shows its effect, even if the answer is faster. */
const ASKING_SHOWN = 600;
const DELAYED_SECONDS = 60;
const BEHIND_SECONDS = 5; // a batch in progress does not count as lag
const LATE_SECONDS = 60;

/** @type {Record<string, string>} */
const SOURCES = {
  yfinance: "Yahoo Finance",
  "yfinance-live": "Yahoo Finance, streaming",
  alpaca: "Alpaca",
  binance: "Binance",
  coinbase: "Coinbase",
  simulator: "Simulator",
  replay: "Recording",
  unknown: "Unnamed source",
};

/** @param {string} source */
export const sourceName = (source) => SOURCES[source] ?? source;

/** @param {string} source */
export const isSimulated = (source) => source.startsWith("simulator");

/**
 * @param {import("../types.js").Link} link @param {number} now
 * @param {import("../store.js").State["push"]} push @returns {string}
 */
function linkText(link, now, push) {
  const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
  return {
    connecting: "Connecting",
    live: push === "mute" || push === "blocked" ? "Live, polling" : "Live",
    paused: "Paused",
    retrying: `No answer, retrying in ${seconds} s`,
    offline: "Offline",
  }[link.state];
}

/**
 * @param {Quote} quote
 * @param {number} now by the server's clock
 * @returns {{text: string, kind: "" | "warn" | "bad"}}
 */
function ageText(quote, now) {
  const age = (now - quote.time) / 1000;
  if (quote.historical) return { text: `History until ${formatDate(quote.time, "UTC")}`, kind: "" };
  const text = `Data ${formatAge(age)} old`;
  if (isClosed(quote)) return { text, kind: "" };
  if (quote.stale) return { text: `Stale: ${formatAge(age)} old`, kind: "bad" };
  const delayed = quote.exchangeDelay > 0 || age > DELAYED_SECONDS;
  return delayed ? { text: `Delayed: ${formatAge(age)}`, kind: "warn" } : { text, kind: "" };
}

/** @type {Record<import("../store.js").State["push"], string>} how prices arrive */
const ARRIVING = {
  off: "Prices are polled",
  connecting: "Prices are polled until they are pushed",
  on: "Prices are pushed as they arrive",
  mute: "Prices are polled: pushed prices have stopped",
  blocked: "Prices are polled: the socket that pushes them cannot be reached",
};

/** @param {Quote} quote */
const delayText = ({ exchangeDelay, source }) =>
  exchangeDelay > 0
    ? `${sourceName(source)} delays prices of this exchange by ${exchangeDelay / 60} minutes`
    : "";

/** @param {Quote} quote */
const isClosed = (quote) => quote.marketState === "CLOSED";

/** @param {Quote} quote @param {string} zone of the next opening's time */
function sessionText(quote, zone) {
  const names = /** @type {Record<string, string>} */ ({
    REGULAR: "Market open",
    PRE: "Pre-market",
    POST: "After hours",
  });
  if (!isClosed(quote)) return names[quote.marketState ?? ""] ?? "";
  if (!quote.nextOpen) return "Market closed";
  const [day, clock] = [formatDay(quote.nextOpen, zone), formatClock(quote.nextOpen, zone)];
  return `Market closed until ${day} ${clock} ${zoneName(zone, quote.nextOpen)}`;
}

/** @param {Store} store @param {{retry: () => void}} feed */
export function mountStatus(store, feed) {
  const dot = el("span.dot", { "aria-hidden": "true" });
  const linkLabel = el("span", {}, "Connecting");
  const link = el(
    "button.badge.button",
    { title: "Refresh now", onclick: () => ask() },
    dot,
    linkLabel,
  );
  const simulated = el(
    "span.badge.warn",
    { title: "Prices are simulated: no real company, no real market" },
    "SIMULATED",
  );
  const source = el("span.badge.source");
  const age = el("span.badge.age");
  const session = el("span.badge.session");
  const behind = el("span.badge.warn.lag", {
    title: "Prices are stored; their bars, signals and alerts are still being computed",
  });
  const late = el("span.badge.warn.late", {
    title: "Alerts are recorded; some messages have not been sent yet",
  });
  const mute = el("span.badge.warn.silent");
  byId("status").append(behind, late, mute, simulated, source, session, age, link);

  /** @type {unknown} the link when the reader pressed it; each answer sets another object */
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
    const { view, quotes, lag, messageLag, silent, link: state, push, series } = store.state;
    behind.hidden = lag < BEHIND_SECONDS;
    late.hidden = messageLag < LATE_SECONDS;
    setText(late, `Messages: ${formatAge(messageLag)} late`);
    mute.hidden = !silent.count;
    mute.title = `Their markets are open, but no prices arrive: ${silent.names.join(", ")}`;
    setText(mute, `${silent.names.length === 1 ? silent.names[0] : silent.count} silent`);
    setText(behind, `Catching up: ${formatAge(lag)} behind`);
    const quote = quotes.get(view.symbol);
    link.dataset.link = state.state;
    link.title = state.reason || `${ARRIVING[push]}. Press to refresh now`;
    link.classList.toggle("bad", state.state === "offline" || state.state === "retrying");
    setText(
      linkLabel,
      askedAt === state || performance.now() < shownUntil
        ? "Refreshing …"
        : linkText(state, Date.now(), push),
    );
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
  store.watch(["quotes", "link", "push", "view", "series"], render);
  setInterval(render, 1000); // an age grows while nothing arrives
  render();
}
