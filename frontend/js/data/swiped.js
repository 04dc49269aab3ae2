// Swipes from symbol to symbol. Pure.

const FAR = 48; // pixels: a shorter way is a tap
const STEEP = 0.5; // height by width above which it is a scroll

/**
 * @param {number} x @param {number} y the finger's way in pixels
 * @returns {-1 | 0 | 1} 1 for a swipe to the left, which shows the next, -1 to the right, else 0
 */
export function swipeOf(x, y) {
  if (Math.abs(x) < FAR || Math.abs(y) > Math.abs(x) * STEEP) return 0;
  return x < 0 ? 1 : -1;
}

/**
 * @param {string[]} symbols @param {string} symbol @param {number} by 1 or -1
 * @returns {string | undefined} the one after or before, round the ends; the first or the last if
 *   the symbol is not among them; nothing if there is no other
 */
export function neighbour(symbols, symbol, by) {
  const at = symbols.indexOf(symbol);
  const next = at < 0 ? symbols.at(by > 0 ? 0 : -1) : symbols.at((at + by) % symbols.length);
  return next === symbol ? undefined : next;
}
