// Opens the dialogs about mutes, which are loaded on first use.

import { el } from "../dom.js";
import { openDialog } from "./dialog.js";

/** @typedef {import("../api.js").Api} Api */

/** @param {(mutes: typeof import("./mutes.js")) => unknown} open */
async function whenLoaded(open) {
  try {
    open(await import("./mutes.js"));
  } catch {
    openDialog("Mutes", [el("p", {}, "The dialog could not be loaded. Try again.")]);
  }
}

/**
 * @param {Api} api @param {import("./mutes.js").Subject} subject
 * @returns {Promise<void>} once the dialog is open
 */
export const openMutes = (api, subject) =>
  whenLoaded((mutes) => void mutes.openMutes(api, subject));

/** @param {Api} api @param {string} opened the address that the page was opened with */
export function mountMuteLinks(api, opened) {
  const open = (/** @type {string} */ url) => {
    const link = new URLSearchParams(new URL(url).hash.slice(1)).get("mute");
    if (link) void whenLoaded((mutes) => void mutes.openLink(api, link));
  };
  addEventListener("hashchange", ({ newURL }) => open(newURL));
  open(opened);
}
