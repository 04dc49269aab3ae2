// Starts and stops following a symbol. The watch-list shows a new symbol's state until its first
// price arrives.

import { ApiError } from "../api.js";
import { el } from "../dom.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("../api.js").Api} Api */

/** @param {Store} store @param {Api} api */
export function askForSymbol(store, api) {
  const input = /** @type {HTMLInputElement} */ (
    el("input.input", {
      name: "symbol",
      required: true,
      maxLength: 24,
      pattern: "[A-Za-z0-9.\\-=^_]{1,24}",
      placeholder: "MSFT, BTC-USD, EURUSD=X",
      autocomplete: "off",
      spellcheck: false,
    })
  );
  openDialog(
    "Add a symbol",
    [
      el("p", {}, "It is followed from now on, and its history is fetched."),
      el("label.whole", {}, "Symbol", input),
    ],
    {
      submit: "Add",
      onsubmit: async () => {
        const symbol = input.value.trim().toUpperCase();
        try {
          await withToken("write:symbols", () => api.track(symbol));
        } catch (error) {
          if (error instanceof ApiError && error.isMissing)
            throw new Error("This deployment does not take new symbols.");
          throw error;
        }
        store.set({ symbols: await api.symbols() });
        store.setView({ symbol });
      },
    },
  );
  input.focus();
}

/** @param {Store} store @param {Api} api @param {string} symbol its stored data is kept */
export async function stopFollowing(store, api, symbol) {
  try {
    await withToken("write:symbols", () => api.untrack(symbol));
    store.set({ symbols: await api.symbols() });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    openDialog(`${symbol} is still followed`, [el("p", {}, error.message)]);
  }
}
