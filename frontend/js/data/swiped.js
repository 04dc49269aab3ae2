// Interprets swipes from symbol to symbol. Pure.

const FAR = 48; // pixels; a shorter movement is a tap
const STEEP = 0.5; // height / width, above which it is a scroll

/**
 * @param {number} x @param {number} y the finger's movement in pixels
 * @returns {-1 | 0 | 1} 1 (next symbol) for a swipe to the left, -1 for one to the right, else 0
 */
export function swipeOf(x, y) {
  if (Math.abs(x) < FAR || Math.abs(y) > Math.abs(x) * STEEP) return 0;
  return x < 0 ? 1 : -1;
}

/**
 * @param {string[]} symbols @param {string} symbol @param {number} by 1 or -1
 * @returns {string | undefined} the next or previous symbol, cyclically; the first or last if
 *   `symbol` is not among them; undefined if there is no other
 */
export function neighbour(symbols, symbol, by) {
  const at = symbols.indexOf(symbol);
  const next = at < 0 ? symbols.at(by > 0 ? 0 : -1) : symbols.at((at + by) % symbols.length);
  return next === symbol ? undefined : next;
}
