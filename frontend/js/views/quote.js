// The open symbol: its name, last price and change.

import { byId, el, setText } from "../dom.js";
import { arrowOf, formatPercent, formatPrice, formatSeconds, formatSigned, formatVolume, ownZone, placesOf, wayOf, zoneName } from "../format.js";

/** @param {import("../store.js").Store} store */
export function mountQuote(store) {
  const symbol = el("h1", {}, "–");
  const name = el("span.name");
  const price = el("span.value");
  const currency = el("span.currency");
  const change = el("span.change");
  const [previous, volume, time] = [el("b"), el("b"), el("b")];
  const fact = (/** @type {string} */ label, /** @type {HTMLElement} */ value) => el("span", {}, label, value);
  byId("quote").append(symbol, el("span.price", {}, price, currency), change, name,
    el("div.facts", {}, fact("Previous close", previous), fact("Session volume", volume), fact("Last tick", time)));

  const render = () => {
    const { view, quotes, symbols } = store.state;
    const quote = quotes.get(view.symbol);
    setText(symbol, view.symbol || "–");
    setText(name, quote?.name ?? symbols.find((s) => s.symbol === view.symbol)?.name ?? "");
    const places = quote ? placesOf(quote.price) : 2;
    setText(price, formatPrice(quote?.price, places));
    setText(currency, quote?.currency ?? "");
    const way = wayOf(quote?.change);
    change.dataset.way = way;
    setText(change, quote?.change == null ? "" : `${arrowOf(way)} ${formatSigned(quote.change, places)} (${formatPercent(quote.changePercent)})`);
    setText(previous, formatPrice(quote?.previousClose, places));
    setText(volume, formatVolume(quote?.volume));
    const zone = view.clock === "local" ? ownZone() : (quote?.zone ?? "UTC");
    setText(time, quote ? `${formatSeconds(quote.time, zone)} ${zoneName(zone, quote.time)}` : "–");
    document.title = quote ? `${formatPrice(quote.price, places)} ${view.symbol} · Ticktape` : "Ticktape";
  };
  store.watch(["quotes", "view", "symbols"], render);
  render();
}
