// The page on a phone: a swipe over the symbol's name and price, or the buttons beside them, open
// the watch-list's next or previous symbol; and the tool bar comes after the chart.

import { byId, el, setText } from "../dom.js";
import { neighbour, swipeOf } from "../data/swiped.js";
import { formatPrice, placesOf } from "../format.js";

const SHARE = 0.4; // pixels that the name and the price move per pixel of a swipe

/**
 * @param {import("../store.js").Store} store
 * @param {() => string[]} listed returns the symbols in the watch-list's order
 * @param {MediaQueryList} narrow
 */
export function mountPhone(store, listed, narrow) {
  const header = byId("quote");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const go = (/** @type {number} */ by) => {
    const symbols = listed();
    const symbol = neighbour(symbols, store.state.view.symbol, by);
    if (!symbol) return;
    store.setView({ symbol });
    const quote = store.state.quotes.get(symbol);
    const price = quote ? `${formatPrice(quote.price, placesOf(quote.price))}, ` : "";
    setText(
      byId("announce"),
      `${symbol}, ${price}${symbols.indexOf(symbol) + 1} of ${symbols.length}`,
    );
    slideIn(by);
  };
  const slideIn = (/** @type {number} */ by) => {
    const from = [{ transform: `translateX(${by * 40}px)`, opacity: 0 }, {}];
    if (!calm.matches) header.animate(from, { duration: 160, easing: "ease-out" });
  };
  const step = (
    /** @type {string} */ label,
    /** @type {string} */ text,
    /** @type {number} */ by,
  ) =>
    el(
      "button.button.quiet.step",
      { "aria-label": label, title: label, onclick: () => go(by) },
      text,
    );
  header.prepend(step("Previous symbol", "‹", -1));
  header.append(step("Next symbol", "›", 1));
  bindSwipe(header, (x) => !calm.matches && move(header, x * SHARE), go);

  const place = () => {
    if (narrow.matches) byId("chart").after(byId("toolbar"));
    else byId("quote").after(byId("toolbar"));
  };
  narrow.addEventListener("change", place);
  place();
}

/** @param {HTMLElement} node @param {number} x pixels to the right */
const move = (node, x) => (node.style.transform = x ? `translateX(${x}px)` : "");

/**
 * @param {HTMLElement} node
 * @param {(x: number) => void} follow called with the pixels moved to the right, and 0 at the end
 * @param {(by: number) => void} go called with 1 after a swipe to the left, -1 to the right
 */
function bindSwipe(node, follow, go) {
  /** @type {PointerEvent | null} */
  let began = null;
  const end = () => {
    began = null;
    follow(0);
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" && event.isPrimary) began = event;
  });
  node.addEventListener("pointermove", (event) => began && follow(event.clientX - began.clientX));
  node.addEventListener("pointerup", (event) => {
    if (!began) return;
    const by = swipeOf(event.clientX - began.clientX, event.clientY - began.clientY);
    end();
    if (by) go(by);
  });
  node.addEventListener("pointercancel", end);
}
