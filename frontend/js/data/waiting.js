// The page's polling intervals, and its texts until the first prices arrive. Pure.

import { formatClock, formatDay, ownZone } from "../format.js";

/** @typedef {import("../types.js").Producer} Producer */

/** Seconds without any sign of life before the page reports a problem. */
export const PATIENCE = 60;

/** Seconds without a report until a producer counts as stopped; collectors report every 60. */
const SILENT = 90;

/** @type {Record<string, string>} by the producer's state, as in docs/producer.md */
const DOING = {
  starting: "The producer is starting",
  "asking Yahoo": "The producer is requesting prices from Yahoo Finance",
  "asking Coinbase": "The producer is requesting prices from Coinbase",
  "fetching history": "The producer is fetching history",
  replaying: "The producer is replaying the recording",
  "sending the rest": "The producer is sending the last prices",
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
 * Seconds between polls while prices or history are still to come.
 * @param {number} poll the usual seconds
 * @param {number} waited seconds without a first price, 0 once there is one
 */
export const pace = (poll, waited) => (waited > 0 && waited < PATIENCE ? poll / 2 : poll);

const LONGEST = 60; // seconds from one poll to the next
/** Share of the time between prices after which to poll, so that few polls come too early. */
const EARLIER = 0.99;

/**
 * Seconds between polls once there are prices.
 * @param {number} poll the least @param {number} expected seconds between prices, by the API
 * @param {number} unchanged consecutive polls without news
 */
export function rest(poll, expected, unchanged) {
  const wanted = unchanged ? Math.min(expected, poll * 2 ** (unchanged - 1)) : expected * EARLIER;
  return Math.max(poll, Math.min(LONGEST, wanted));
}

const LONGEST_SILENCE = 300; // seconds from one poll to the next while prices are pushed

/**
 * Compute the seconds without a pushed price after which the page polls.
 * @param {number} expected seconds between prices, according to the API
 * @param {number} unchanged consecutive polls without news
 */
export const patienceWithPush = (expected, unchanged) =>
  Math.min(LONGEST_SILENCE, (1.1 * expected + 1) * 4 ** unchanged);

/**
 * Compute the seconds until a retry. An unreachable server may just be starting, and requests cost
 * it nothing. It is polled at the normal interval for a minute, then at most every 5 s. After
 * answers with errors the delay doubles, up to half a minute.
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
    source === "simulator" ? "The simulator is sending history" : "The producer is sending history";
  const text =
    state === "sending history"
      ? sends
      : (DOING[state] ?? `The producer says: ${withClock(state)}`);
  return progress == null ? text : `${text}: ${Math.floor(progress * 100)}%`;
}

/** @param {string} text in which an RFC 3339 time is shown in the reader's time zone */
const withClock = (text) =>
  text.replace(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/,
    (instant) =>
      `${formatDay(Date.parse(instant), ownZone())} ${formatClock(Date.parse(instant), ownZone())}`,
  );

/** @param {number} seconds */
const minutes = (seconds) => (seconds < 120 ? "a minute" : `${Math.floor(seconds / 60)} minutes`);

/**
 * The text shown in place of a chart without prices.
 * @param {{symbol: string, isListed: boolean, isCustom: boolean, producer: Producer | null, waited:
 *   number}} facts `isListed`: the API lists the symbol; `waited`: seconds
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
 * @param {Producer | null} producer null, or one that has stopped
 * @returns {{title: string, detail: string}}
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
