// The page's texts and polling intervals until the first prices arrive. Pure.

import { formatClock, formatDay, ownZone } from "../format.js";

/** @typedef {import("../types.js").Producer} Producer */

/** Seconds without any sign of life before the page reports a problem. */
export const PATIENCE = 60;

/**
 * Seconds without a report after which the producer counts as stopped: the collector reports once a
 * minute.
 */
const SILENT = 90;

/** @type {Record<string, string>} by the producer's state, as in docs/producer.md */
const DOING = {
  starting: "The producer is starting",
  "asking Yahoo": "Yahoo Finance is being asked for prices",
  "asking Coinbase": "Coinbase is being asked for prices",
  "fetching history": "History is being fetched",
  replaying: "The recording is being replayed",
  "sending the rest": "The last prices are being sent",
  live: "The first prices are on their way",
};

/**
 * @param {Producer | null} producer
 * @returns {boolean} whether more of its history will arrive
 */
export const isHistoryComing = (producer) =>
  producer?.progress != null && producer.ageSeconds < PATIENCE;

/**
 * @param {{symbols: unknown[], chartState: string, view: {symbol: string, range: string}}} state
 * @returns {boolean} whether the page has no symbol, or no prices of the open one
 */
export const isWaiting = ({ symbols, chartState, view }) =>
  !symbols.length || (chartState === "empty" && view.range !== "custom");

/**
 * Seconds from one poll to the next.
 * @param {number} poll seconds between prices
 * @param {number} waited seconds without a first price, 0 once there is one
 */
export const pace = (poll, waited) => (waited > 0 && waited < PATIENCE ? poll / 2 : poll);

const LONGEST = 60; // seconds from one poll to the next
/**
 * Share of the time between two prices: polls drift towards the arrival of prices, and few are too
 * early.
 */
const EARLIER = 0.99;

/**
 * Seconds between polls once there are prices.
 * @param {number} poll the least @param {number} expected seconds between prices, according to the
 *   API
 * @param {number} unchanged consecutive polls without news
 */
export function rest(poll, expected, unchanged) {
  const wanted = unchanged ? Math.min(expected, poll * 2 ** (unchanged - 1)) : expected * EARLIER;
  return Math.max(poll, Math.min(LONGEST, wanted));
}

const LONGEST_SILENCE = 300; // seconds from one poll to the next while prices are pushed

/**
 * Seconds without a pushed price after which the page asks whether there are any.
 * @param {number} expected seconds between prices, according to the API
 * @param {number} unchanged consecutive polls without news
 */
export const patienceWithPush = (expected, unchanged) =>
  Math.min(LONGEST_SILENCE, (1.1 * expected + 1) * 4 ** unchanged);

/**
 * Seconds until a retry. An unreachable server is polled at the normal interval, since that costs
 * it nothing and it may just be starting: for a minute, then every 5 s at least. After error
 * answers the delay grows, up to half a minute.
 * @param {number} failures consecutive, at least 1
 * @param {number} poll seconds
 * @param {boolean} answered whether the server answered
 */
export function backoff(failures, poll, answered) {
  if (answered) return Math.min(30, Math.max(1, poll) * 2 ** (failures - 1));
  return failures * poll < PATIENCE ? poll : Math.max(5, poll);
}

/** @param {Producer} producer @returns {string} a sentence without its full stop */
function doing({ source, state, progress }) {
  const sends =
    source === "simulator" ? "The simulator is sending history" : "History is being sent";
  const text =
    state === "sending history"
      ? sends
      : (DOING[state] ?? `The producer says: ${withClock(state)}`);
  return progress == null ? text : `${text}: ${Math.floor(progress * 100)}%`;
}

/** @param {string} text with instants to be shown in the reader's time zone */
const withClock = (text) =>
  text.replace(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/,
    (instant) =>
      `${formatDay(Date.parse(instant), ownZone())} ${formatClock(Date.parse(instant), ownZone())}`,
  );

/** @param {number} seconds */
const minutes = (seconds) => (seconds < 120 ? "a minute" : `${Math.floor(seconds / 60)} minutes`);

/**
 * The text in place of a chart without prices.
 * @param {{symbol: string, isListed: boolean, isCustom: boolean, producer: Producer | null, waited:
 *   number}} facts
 *   `isListed`: the API lists the symbol; `waited`: seconds
 * @returns {{title: string, detail: string, progress: number | null}}
 */
export function waitingWords({ symbol, isListed, isCustom, producer, waited }) {
  const soon = "The chart appears as soon as the first price is stored.";
  if (isCustom)
    return {
      title: `No prices of ${symbol} in this range`,
      detail: "Choose other days, or a range that ends now.",
      progress: null,
    };
  const runs = producer && producer.state !== "ended" && producer.ageSeconds < SILENT;
  if (runs) {
    const title =
      symbol && producer.state === "live" ? `No prices of ${symbol} yet` : doing(producer);
    const detail = producer.problem || (symbol && !isListed ? unlisted(symbol) : soon);
    return { title, detail, progress: producer.progress };
  }
  if (symbol && !isListed)
    return { title: `No prices of ${symbol}`, detail: unlisted(symbol), progress: null };
  if (waited < PATIENCE)
    return {
      title: symbol ? `No prices of ${symbol} yet` : "Waiting for the first prices",
      detail: soon,
      progress: null,
    };
  return { ...silence(producer), progress: null };
}

/** @param {string} symbol */
const unlisted = (symbol) =>
  `${symbol} is not on the list: choose another symbol, or follow it with “+”.`;

/**
 * @param {Producer | null} producer null or one that has stopped @returns {{title: string, detail:
 * string}}
 */
function silence(producer) {
  if (!producer)
    return {
      title: "No prices have arrived yet",
      detail: "No producer has reported here. Start one with “make run” or “python -m producer”.",
    };
  const again = "Start it again to get prices.";
  if (producer.state === "ended")
    return { title: "The producer has ended", detail: producer.problem || again };
  return {
    title: `The producer has not reported for ${minutes(producer.ageSeconds)}`,
    detail: again,
  };
}
