// Adding a symbol to what is followed. The watch-list says what becomes of it until its first price has come.

import { el } from "../dom.js";
import { ApiError } from "../api.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token.js";

/** @param {HTMLElement} head of the watch-list @param {import("../store.js").Store} store @param {import("../api.js").Api} api */
export function mountAddSymbol(head, store, api) {
  const add = el("button.button.icon", { type: "button", "aria-label": "Add a symbol", title: "Add a symbol", onclick: () => ask() }, "+");
  head.append(add);

  const ask = () => {
    const input = /** @type {HTMLInputElement} */ (el("input.input", { name: "symbol", required: true, maxLength: 24, pattern: "[A-Za-z0-9.\\-=^_]{1,24}", placeholder: "MSFT, BTC-USD, EURUSD=X", autocomplete: "off", spellcheck: false }));
    openDialog("Add a symbol", [el("p", {}, "It is followed from now on, and its history fetched."), el("label.whole", {}, "Symbol", input)], {
      submit: "Add",
      onsubmit: async () => {
        const symbol = input.value.trim().toUpperCase();
        await withToken(() => api.track(symbol)).catch((error) => {
          if (error instanceof ApiError && error.isMissing) throw new Error("This deployment does not take new symbols.");
          throw error;
        });
        store.set({ symbols: await api.symbols() });
        store.setView({ symbol });
      },
    });
    input.focus();
  };
}
