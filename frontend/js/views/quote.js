// The open symbol: its name, last price and change.

import { byId, el, setText } from "../dom.js";
import {
  arrowOf,
  formatDate,
  formatPercent,
  formatPrice,
  formatSeconds,
  formatSigned,
  formatVolume,
  ownZone,
  placesOf,
  wayOf,
  zoneName,
} from "../format.js";

/** @typedef {import("../types.js").Quote} Quote */

/** @param {import("../store.js").Store} store */
export function mountQuote(store) {
  const symbol = el("h1", {}, "–");
  const name = el("span.name");
  const price = el("span.value");
  const currency = el("span.currency");
  const change = el("span.change");
  const [previous, volume, time] = [el("b"), el("b"), el("b")];
  const fact = (/** @type {string | HTMLElement} */ label, /** @type {HTMLElement} */ value) =>
    el("span", {}, label, value);
  const [volumeOf, timeOf] = [el("span"), el("span")];
  byId("quote").append(
    symbol,
    el("span.price", {}, price, currency),
    change,
    name,
    el(
      "div.facts",
      {},
      fact("Previous close", previous),
      fact(volumeOf, volume),
      fact(timeOf, time),
    ),
  );

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
    const percent = formatPercent(quote?.changePercent);
    const moved = quote?.change == null ? null : formatSigned(quote.change, places);
    setText(change, moved === null ? "" : `${arrowOf(way)} ${moved} (${percent})`);
    setText(previous, formatPrice(quote?.previousClose, places));
    setText(volume, formatVolume(quote?.volume));
    const zone = view.clock === "local" ? ownZone() : (quote?.zone ?? "UTC");
    setText(volumeOf, quote?.historical ? "Volume" : "Session volume");
    setText(timeOf, quote?.historical ? "Last day" : "Last tick");
    setText(time, quote ? timeText(quote, zone) : "–");
    document.title = quote
      ? `${formatPrice(quote.price, places)} ${view.symbol} · Ticktape`
      : "Ticktape";
  };
  store.watch(["quotes", "view", "symbols"], render);
  render();
}

/** @param {Quote} quote @param {string} zone */
function timeText({ historical, time }, zone) {
  return historical
    ? formatDate(time, "UTC")
    : `${formatSeconds(time, zone)} ${zoneName(zone, time)}`;
}
