// What time it is at the server. A reader's clock may be wrong by minutes, and the age of data should not be.
// An answer's as_of is never later than the moment at which it arrives; one from the browser's cache is older. So the
// largest difference seen is the best estimate, and cached answers never spoil it.

let ahead = -Infinity;

/** @param {string | null | undefined} asOf the answer's as_of @param {number} [now] the reader's clock, milliseconds */
export function observe(asOf, now = Date.now()) {
  const time = Date.parse(asOf ?? "");
  if (Number.isFinite(time)) ahead = Math.max(ahead, time - now);
}

/** @returns {number} milliseconds since the epoch, by the server's clock as far as it is known */
export const serverNow = () => Date.now() + (Number.isFinite(ahead) ? ahead : 0);
