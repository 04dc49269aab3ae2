// The message in place of a chart that cannot be drawn yet.

import { el, setText } from "../dom.js";
import { waitingWords } from "../data/waiting.js";

/** @typedef {import("../store.js").Store} Store */
/**
 * @typedef {{title: string, detail: string, progress: number | null} | null} Words null while a
 *   chart is shown
 */

/** @param {import("../store.js").State} state @returns {Words} */
function wordsOf({
  chartState,
  chartProblem,
  series,
  view,
  symbols,
  link,
  producer,
  waitingSince,
}) {
  const stale = series && (series.symbol !== view.symbol || series.range !== view.range);
  if (chartState === "ready" || (series?.bars.length && !stale && chartState !== "empty"))
    return null;
  const silent = link.state === "retrying" || link.state === "offline";
  if (chartState === "error")
    return {
      title: "The prices could not be loaded",
      detail: `${chartProblem} ${silent ? "The page keeps trying." : ""}`,
      progress: null,
    };
  if (silent && !series)
    return { title: link.reason, detail: "The page keeps trying.", progress: null };
  if (chartState === "loading" && !waitingSince)
    return { title: "Loading prices …", detail: "", progress: null };
  const isListed = symbols.some(({ symbol }) => symbol === view.symbol) || !symbols.length;
  const waited = waitingSince ? (Date.now() - waitingSince) / 1000 : 0;
  return waitingWords({
    symbol: symbols.length ? view.symbol : "",
    isListed,
    isCustom: view.range === "custom",
    producer,
    waited,
  });
}

/**
 * @param {Store} store @param {HTMLElement} section
 * @returns {() => void} renders the message; only changes touch the page, since screen readers
 *   announce them
 */
export function mountWaiting(store, section) {
  const message = /** @type {HTMLElement} */ (section.querySelector(".chart-message"));
  const [title, detail] = [el("strong"), el("span")];
  const bar = /** @type {HTMLProgressElement} */ (
    el("progress", { max: 1, "aria-label": "History sent" })
  );
  return () => {
    const { chartState, series } = store.state;
    section.setAttribute("aria-busy", String(chartState === "loading"));
    if (chartState === "loading" && series) return;
    const words = wordsOf(store.state);
    if (!words) return message.replaceChildren();
    setText(title, words.title);
    setText(detail, words.detail);
    bar.hidden = words.progress === null;
    bar.value = words.progress ?? 0;
    if (!title.isConnected) message.replaceChildren(title, bar, detail);
  };
}
