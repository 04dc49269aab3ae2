// Modal dialogs on <dialog>: the browser keeps the focus inside and gives it back.

import { el } from "../dom.js";
import { ApiError } from "../api.js";
import { keepToken, token } from "../settings.js";

/**
 * @param {string} title @param {Node[]} content
 * @param {{submit: string, onsubmit: (form: HTMLFormElement) => Promise<void>, extra?: Node[]}} action
 *   onsubmit throws an Error to keep the dialog open and show its message
 * @returns {{dialog: HTMLDialogElement, form: HTMLFormElement, problem: HTMLElement, closed: Promise<boolean>}} closed: whether it was submitted
 */
export function openDialog(title, content, { submit, onsubmit, extra = [] }) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const problem = el("p.problem", { role: "alert" });
  const go = /** @type {HTMLButtonElement} */ (el("button.button.primary", { type: "submit" }, submit));
  const cancel = el("button.button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const form = /** @type {HTMLFormElement} */ (el("form", { noValidate: false }, heading, ...content, problem, el("div.actions", {}, ...extra, cancel, go)));
  const dialog = /** @type {HTMLDialogElement} */ (el("dialog", { "aria-labelledby": "dialog-title" }, form));
  let done = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = "";
    try {
      await onsubmit(form);
      done = true;
      dialog.close();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problem.textContent = error.message;
    } finally {
      go.disabled = false;
    }
  });
  const closed = new Promise((/** @type {(submitted: boolean) => void} */ resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, form, problem, closed };
}

// The token for writing: asked for once, when it is first needed, and kept for this tab only.

/** @param {string} reason @returns {Promise<boolean>} whether a token was given */
export async function askForToken(reason) {
  const input = /** @type {HTMLInputElement} */ (el("input.input", { type: "password", name: "token", required: true, autocomplete: "off", spellcheck: false }));
  const { closed } = openDialog("Token needed", [
    el("p", {}, reason || "Changing rules or symbols needs a token. `make run` prints one; a deployment has its own. It stays in this tab."),
    el("label.whole", {}, "Token", input),
  ], { submit: "Use token", onsubmit: async () => keepToken(input.value.trim()) });
  input.focus();
  return closed;
}

/**
 * Run something that writes, with a token; asks again when it is refused.
 * @template T
 * @param {() => Promise<T>} write @returns {Promise<T>} throws ApiError, also when the reader gave no token
 */
export async function withToken(write) {
  let reason = "";
  for (;;) {
    if (!token() && !(await askForToken(reason))) throw new ApiError(401, "Nothing was changed: a token is needed.");
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isRefusal) throw error;
      keepToken("");
      reason = "The API refused this token.";
    }
  }
}

// Which symbols are followed: adding one, and leaving one. The watch-list says what becomes of a new one until its first
// price has come.

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("../api.js").Api} Api */

/** @param {Store} store @param {Api} api */
export function askForSymbol(store, api) {
  const input = /** @type {HTMLInputElement} */ (el("input.input", {
    name: "symbol", required: true, maxLength: 24, pattern: "[A-Za-z0-9.\\-=^_]{1,24}", placeholder: "MSFT, BTC-USD, EURUSD=X", autocomplete: "off", spellcheck: false,
  }));
  openDialog("Add a symbol", [el("p", {}, "It is followed from now on, and its history fetched."), el("label.whole", {}, "Symbol", input)], {
    submit: "Add",
    onsubmit: async () => {
      const symbol = input.value.trim().toUpperCase();
      try {
        await withToken(() => api.track(symbol));
      } catch (error) {
        if (error instanceof ApiError && error.isMissing) throw new Error("This deployment does not take new symbols.");
        throw error;
      }
      store.set({ symbols: await api.symbols() });
      store.setView({ symbol });
    },
  });
  input.focus();
}

/** @param {Store} store @param {Api} api @param {string} symbol what is stored of it stays */
export async function stopFollowing(store, api, symbol) {
  try {
    await withToken(() => api.untrack(symbol));
    store.set({ symbols: await api.symbols() });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    openDialog(`${symbol} is still followed`, [el("p", {}, error.message)], { submit: "Close", onsubmit: async () => {} });
  }
}
