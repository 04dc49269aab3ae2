// A button that opens a list below it. The list closes on Escape, on a click elsewhere, and when
// the focus leaves.

import { el } from "../dom.js";

/**
 * @param {string} label
 * @param {(Node | string)[]} items
 * @param {{end?: boolean, title?: string}} [options]
 */
export function menu(label, items, { end = false, title } = {}) {
  const list = el(end ? "div.menu-list.end" : "div.menu-list", { hidden: true }, ...items);
  const button = el("button.button", { "aria-expanded": "false", title }, label);
  const root = el("div.menu", {}, button, list);
  const open = (/** @type {boolean} */ shown) => {
    list.hidden = !shown;
    button.setAttribute("aria-expanded", String(shown));
    if (shown) /** @type {HTMLElement | null} */ (list.querySelector("button, input"))?.focus();
  };
  button.addEventListener("click", () => open(list.hidden));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  root.addEventListener("focusout", (event) => {
    if (!root.contains(/** @type {Node | null} */ (event.relatedTarget)) && event.relatedTarget)
      open(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!list.hidden && !root.contains(/** @type {Node} */ (event.target))) open(false);
  });
  return { root, button, list, close: () => open(false) };
}
