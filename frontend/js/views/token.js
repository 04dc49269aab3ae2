// The token for writing: asked for once, when it is first needed, and kept for this tab only.

import { el } from "../dom.js";
import { ApiError } from "../api.js";
import { keepToken, token } from "../settings.js";
import { openDialog } from "./dialog.js";

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
