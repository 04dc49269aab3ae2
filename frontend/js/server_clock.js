// What time it is at the server. A reader's clock may be wrong by minutes, and the age of data
// should not be. An answer says how old its price is at that moment: as_of + delay_seconds is the
// server's time. In an answer from the browser's cache it lies in the past, so the largest
// difference seen is the best estimate.

let ahead = -Infinity;

/**
 * @param {{as_of?: string | null, delay_seconds?: number | null}} answer
 * @param {number} [now] the reader's clock, milliseconds
 */
export function observe(answer, now = Date.now()) {
  const time = Date.parse(answer.as_of ?? "") + (answer.delay_seconds ?? NaN) * 1000;
  if (Number.isFinite(time)) ahead = Math.max(ahead, time - now);
}

/** @returns {number} milliseconds since the epoch, by the server's clock as far as it is known */
export const serverNow = () => Date.now() + (Number.isFinite(ahead) ? ahead : 0);
