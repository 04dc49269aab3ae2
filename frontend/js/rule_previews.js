// Requests previews of rules, and marks their signals on the chart. Loaded on demand.

import { ApiError } from "./api.js";
import {
  decodePreview,
  firesText,
  joined,
  previewRange,
  returnsText,
  tradingText,
} from "./data/previewed.js";
import { RANGES } from "./ranges.js";

/** @typedef {import("./types.js").Rule} Rule */
/** @typedef {import("./data/previewed.js").Previewed} Previewed */
/**
 * What dialogs about rules need. `saved` reads the rules again.
 * @typedef {{api: import("./api.js").Api, store: import("./store.js").Store, saved: () =>
 *   Promise<void>}} Context
 */
/** A rule as a form has it: `when` as text or as a tree. @typedef {Record<string, any>} Asked */

/** @param {Context} context @param {Asked} rule @returns {Asked} the open symbol in place of "*" */
const forOne = ({ store }, rule) =>
  rule.symbol === "*" ? { ...rule, symbol: store.state.view.symbol } : rule;

/**
 * Try a rule on the newest bar alone, to learn whether the API refuses it.
 * @param {Context} context @param {Asked} rule
 * @returns {Promise<{refused: ApiError | null, when: Previewed["when"]}>} when: both forms of its
 *   condition; null for both if the API does not answer
 */
export async function checkRule(context, rule) {
  const newest = context.store.state.series?.bars.at(-1)?.time ?? Date.now();
  const asked = { ...forOne(context, rule), start: new Date(newest).toISOString() };
  try {
    return { refused: null, when: decodePreview(await context.api.previewRule(asked)).when };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { refused: error.status === 400 ? error : null, when: null };
  }
}

/**
 * Try a rule over a range, and mark its signals if the chart shows its symbol.
 * @param {Context} context @param {Asked} rule @param {string} range a key of RANGES
 * @param {{marks?: boolean, backtest?: any, before?: Previewed}} [options] backtest: how to trade;
 *   before: the preview to continue
 * @returns {Promise<Previewed>} throws ApiError
 */
export async function previewRule(context, rule, range, options = {}) {
  const { marks = true, backtest = true, before } = options;
  const { api, store } = context;
  const asked = forOne(context, rule);
  const { period } = RANGES[range];
  const body = { ...asked, period, backtest, ...(before && { page_token: before.next }) };
  const part = decodePreview(await api.previewRule(body));
  const found = before ? joined(before, part) : part;
  const isShown = asked.symbol === store.state.view.symbol;
  if (marks) store.set({ preview: isShown ? found.times : [] });
  return found;
}

/** @param {Context} context @param {Asked} rule @returns {string} the range to preview it over */
export const usualRange = ({ store }, rule) =>
  previewRange(rule.interval ?? "tick", store.state.view.range);

/**
 * @param {Context} context @param {Asked} rule
 * @returns {Promise<string>} when the rule would have fired, and what followed, in sentences
 */
export async function previewText(context, rule) {
  const range = usualRange(context, rule);
  const found = await previewRule(context, rule, range);
  const said = firesText(found, range);
  if (!found.times.length || !found.backtest) return said;
  const followed = [returnsText(found.backtest), tradingText(found.backtest)].join(" ");
  return `${said} ${followed} Based on prices as stored now; not investment advice.`;
}

/**
 * @param {Context} context @param {Asked} rule @param {Previewed} found
 * @returns {boolean} whether the chart shows all signals of the preview
 */
export function isOnChart({ store }, rule, found) {
  const { series, view } = store.state;
  const isShown = rule.symbol === "*" || rule.symbol === view.symbol;
  return isShown && Boolean(series) && found.times.every((time) => time >= chartStart(store));
}

/** @param {import("./store.js").Store} store */
const chartStart = (store) => store.state.series?.bars[0]?.time ?? Infinity;
