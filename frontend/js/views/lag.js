// How far bars, signals and alerts are behind the prices that are stored: a badge that shows only while they are.

import { ApiError } from "../api.js";
import { byId, el, setText } from "../dom.js";
import { formatAge } from "../format.js";

const EVERY = 5; // polls of the prices between two looks
const WORTH_SECONDS = 5; // of lag; a batch under way is none

/** @param {import("../api.js").Api} api @param {number} pollSeconds of the prices */
export function mountLag(api, pollSeconds) {
  const title = "Prices are stored whose bars, signals and alerts are still being made";
  const badge = el("span.badge.warn.lag", { title, hidden: true });
  byId("status").prepend(badge);
  const look = async () => {
    if (!document.hidden) {
      const seconds = await lagOf(api);
      if (seconds === null) return;
      badge.hidden = seconds < WORTH_SECONDS;
      setText(badge, `Catching up: ${formatAge(seconds)} behind`);
    }
    setTimeout(look, EVERY * pollSeconds * 1000);
  };
  setTimeout(look, EVERY * pollSeconds * 1000);
}

/** @param {import("../api.js").Api} api @returns {Promise<number | null>} seconds; null where the API cannot tell */
async function lagOf(api) {
  try {
    return await api.lag();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.isMissing ? null : 0;
  }
}
