// Loads style sheets of dialogs on demand.

import { el } from "./dom.js";

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * @param {string} address of a style sheet
 * @returns {Promise<void>} resolves once it applies, or cannot be loaded: dialogs work without it
 */
export function withStyles(address) {
  const found =
    loading.get(address) ??
    new Promise((resolve) => {
      const done = () => resolve();
      const link = el("link", { rel: "stylesheet", href: address, onload: done, onerror: done });
      document.head.append(link);
    });
  loading.set(address, found);
  return found;
}
