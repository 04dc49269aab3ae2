// Estimates the server's time. A reader's clock may be wrong by minutes, which must not affect the
// age of data. An answer has its price's age: as_of + delay_seconds is the server's time. In an
// answer from the browser's cache that time is in the past, so the largest difference seen is the
// best estimate.

let ahead = -Infinity;

/**
 * @param {{as_of?: string | null, delay_seconds?: number | null}} answer
 * @param {number} [now] the reader's clock, milliseconds
 */
export function observe(answer, now = Date.now()) {
  const time = Date.parse(answer.as_of ?? "") + (answer.delay_seconds ?? NaN) * 1000;
  if (Number.isFinite(time)) ahead = Math.max(ahead, time - now);
}

/** @returns {number} milliseconds since the epoch by the server's clock, if known */
export const serverNow = () => Date.now() + (Number.isFinite(ahead) ? ahead : 0);
