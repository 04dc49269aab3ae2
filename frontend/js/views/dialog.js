// Modal dialogs on <dialog>: the browser keeps the focus inside and gives it back.

import { ApiError } from "../api.js";
import { byId, el } from "../dom.js";
import { forgetToken, holdToken, isKept, onToken, token } from "../settings.js";

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

// The token of the reader's key: asked for when something first needs one, with the scope that it needs; how long it is
// kept is the reader's choice.

/** @param {string} scope */
const needed = (scope) => `This needs the token of a key with the scope ${scope}. “make run” prints one; a deployment has its own.`;

/** @returns {string} where the page has the token */
const where = () => (isKept() ? "It is kept on this device." : "It is held until this page is closed.");

/** @param {string} scope what it is needed for @param {string} [reason] why the one before is not enough @returns {Promise<boolean>} whether one was given */
export async function askForToken(scope, reason = needed(scope)) {
  const input = /** @type {HTMLInputElement} */ (el("input.input", { type: "password", name: "token", required: true, autocomplete: "off", spellcheck: false }));
  const kept = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox", name: "kept" }));
  const { closed } = openDialog("Token needed", [
    el("p", {}, reason),
    el("label.whole", {}, "Token", input),
    el("label.check", {}, kept, "Keep on this device when the page is closed"),
  ], { submit: "Use token", onsubmit: async () => holdToken(input.value.trim(), kept.checked) });
  input.focus();
  return closed;
}

/** @param {ApiError} error a refused reading @returns {Promise<boolean>} whether another token was given */
export const askForReading = (error) => askForToken("read", whyRefused(error, "read") ?? `This deployment is not open for reading. ${needed("read")}`);

/**
 * Run something that needs a scope, with a token; asks again when that is refused.
 * @template T
 * @param {string} scope @param {() => Promise<T>} write @returns {Promise<T>} throws ApiError, also when the reader gave no token
 */
export async function withToken(scope, write) {
  /** @type {string | undefined} */
  let reason;
  for (;;) {
    if ((!token() || reason) && !(await askForToken(scope, reason))) throw new ApiError(401, `Nothing was changed. ${reason ?? needed(scope)}`);
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isRefusal) throw error;
      reason = whyRefused(error, scope);
    }
  }
}

/** @param {ApiError} error @param {string} scope @returns {string | undefined} nothing where no token was sent; one that is not in force is forgotten */
function whyRefused(error, scope) {
  if (!token()) return undefined;
  if (error.status === 403) return `This key does not have the scope ${scope}. Another one is needed.`;
  forgetToken();
  return "The API refused this token: it is unknown, revoked or expired.";
}

/** The button by which a reader sees that the page holds a token, and forgets it. */
export function mountToken() {
  const button = el("button.badge.button", { type: "button", onclick: () => confirmForgetting() }, "Token");
  byId("status").append(button);
  const render = () => {
    button.hidden = !token();
    button.title = where();
  };
  onToken(render);
  render();
}

function confirmForgetting() {
  openDialog("Forget the token?", [
    el("p", {}, `${where()} Its key stays in force.`),
  ], { submit: "Forget token", onsubmit: async () => forgetToken() });
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
        await withToken("write:symbols", () => api.track(symbol));
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
    await withToken("write:symbols", () => api.untrack(symbol));
    store.set({ symbols: await api.symbols() });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    openDialog(`${symbol} is still followed`, [el("p", {}, error.message)], { submit: "Close", onsubmit: async () => {} });
  }
}
