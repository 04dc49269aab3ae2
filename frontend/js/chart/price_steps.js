// Steps by which keys move a rule's line, and positions of the lines' names. Pure.

/** Direction of the arrow keys: up and right raise the price. @type {Record<string, number>} */
const STEPS = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 10,
  PageDown: -10,
};

/**
 * @param {number} span of the visible prices
 * @param {number} places decimals of the prices
 * @returns {number} 1, 2 or 5 times a power of ten: at least a hundredth of the span, and a unit of
 *   the last decimal
 */
export function stepOf(span, places) {
  const least = Math.max(span / 100, 10 ** -places);
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  return ([1, 2, 5].find((n) => n * power >= least * 0.999) ?? 10) * power;
}

/**
 * @param {number} price
 * @param {string} key as in KeyboardEvent.key
 * @param {[number, number]} range of the visible prices
 * @param {number} places decimals
 * @returns {number | null} the line's new price, always visible; null for any other key
 */
export function movedPrice(price, key, range, places) {
  const [low, high] = range;
  const ends = /** @type {Record<string, number>} */ ({ Home: low, End: high });
  if (!(key in STEPS) && !(key in ends)) return null;
  const step = stepOf(high - low, places);
  return boundPrice(ends[key] ?? Math.round(price / step + STEPS[key]) * step, range, places);
}

/**
 * @param {number} price @param {[number, number]} range of the visible prices
 * @param {number} places decimals
 * @returns {number} the nearest visible price above 0 with these decimals
 */
export const boundPrice = (price, [low, high], places) =>
  Number(Math.max(Math.min(high, Math.max(low, price)), 10 ** -places).toFixed(places));

/** A name's height, and the gap between two names, in pixels. */
const [ROOM, GAP] = [22, 6];

/**
 * @param {number[]} heights of lines, in pixels
 * @returns {boolean} whether two names could cover each other
 */
export const areClose = (heights) =>
  heights.some((height, i) => heights.some((other, j) => j < i && Math.abs(other - height) < ROOM));

/**
 * @param {number[]} heights of lines, in pixels @param {number[]} widths of their names
 * @param {number} width of the chart
 * @returns {number[]} left ends of the names, which do not overlap while there is room
 */
export function nameLefts(heights, widths, width) {
  /** @type {{left: number, right: number, height: number}[]} */
  const placed = [];
  return heights.map((height, i) => {
    const close = placed
      .filter((other) => Math.abs(other.height - height) < ROOM)
      .sort((a, b) => a.left - b.left);
    let left = GAP;
    for (const { left: start, right } of close)
      if (left < right + GAP && start < left + widths[i] + GAP) left = right + GAP;
    left = Math.max(GAP, Math.min(left, width - widths[i]));
    placed.push({ left, right: left + widths[i], height });
    return left;
  });
}
