// Asks for the token of the reader's key when an action first needs it, and names the needed scope.
// The reader chooses how long it is kept.

import { ApiError } from "../api.js";
import { byId, el } from "../dom.js";
import { forgetToken, holdToken, isKept, onToken, token } from "../settings.js";
import { openDialog } from "./dialog.js";

/** @param {string} scope */
const needed = (scope) =>
  `This needs the token of a key with the scope ${scope}. ` +
  "“make run” prints one; a deployment has its own.";

/** @returns {string} how long the page keeps the token */
const where = () =>
  isKept() ? "It is kept on this device." : "It is held until this page is closed.";

/**
 * @param {string} scope the needed scope
 * @param {string} [reason] why the previous token was refused
 * @returns {Promise<boolean>} whether a token was given
 */
export async function askForToken(scope, reason = needed(scope)) {
  const input = /** @type {HTMLInputElement} */ (
    el("input.input", {
      type: "password",
      name: "token",
      required: true,
      autocomplete: "off",
      spellcheck: false,
    })
  );
  const kept = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox", name: "kept" }));
  const { closed } = openDialog(
    "Token needed",
    [
      el("p", {}, reason),
      el("label.whole", {}, "Token", input),
      el("label.check", {}, kept, "Keep on this device when the page is closed"),
    ],
    { submit: "Use token", onsubmit: async () => holdToken(input.value.trim(), kept.checked) },
  );
  input.focus();
  return closed;
}

/**
 * @param {ApiError} error of a refused read
 * @returns {Promise<boolean>} whether another token was given
 */
export const askForReading = (error) =>
  askForToken(
    "read",
    whyRefused(error, "read") ?? `This deployment is not open for reading. ${needed("read")}`,
  );

/**
 * Run a request that needs a scope with a token; ask again if it is refused.
 * @template T
 * @param {string} scope
 * @param {() => Promise<T>} write
 * @returns {Promise<T>} throws ApiError, also when the reader gave no token
 */
export async function withToken(scope, write) {
  /** @type {string | undefined} */
  let reason;
  for (;;) {
    if ((!token() || reason) && !(await askForToken(scope, reason)))
      throw new ApiError(401, `Nothing was changed. ${reason ?? needed(scope)}`);
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isRefusal) throw error;
      reason = whyRefused(error, scope);
    }
  }
}

/**
 * @param {ApiError} error
 * @param {string} scope
 * @returns {string | undefined} undefined if no token was sent; an invalid one is forgotten
 */
function whyRefused(error, scope) {
  if (!token()) return undefined;
  if (error.status === 403)
    return `This key does not have the scope ${scope}. Another one is needed.`;
  forgetToken();
  return "The API refused this token: it is unknown, revoked or expired.";
}

/** The button that shows that the page holds a token and lets the reader forget it. */
export function mountToken() {
  const button = el("button.badge.button", { onclick: () => confirmForgetting() }, "Token");
  byId("status").append(button);
  const render = () => {
    button.hidden = !token();
    button.title = where();
  };
  onToken(render);
  render();
}

function confirmForgetting() {
  openDialog("Forget the token?", [el("p", {}, `${where()} Its key stays valid.`)], {
    submit: "Forget token",
    onsubmit: async () => forgetToken(),
  });
}
