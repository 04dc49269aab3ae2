// Indicators over closes or bars: one value per bar, null before the first. They follow TA-Lib
// (tests/browser/test_pure_modules.py compares): EMA is seeded with the SMA, RSI is Wilder's, the
// fast EMA of MACD is seeded on the bars before the slow one's first value, Bollinger uses the
// population standard deviation.

/** @typedef {(number | null)[]} Values */

/** @param {number[]} closes @param {number} n @returns {Values} */
export function sma(closes, n) {
  let sum = 0;
  return closes.map((close, i) => {
    sum += close;
    if (i >= n) sum -= closes[i - n];
    return i >= n - 1 ? sum / n : null;
  });
}

/**
 * @param {number[]} closes
 * @param {number} n
 * @param {number} [from] index of the first close to use
 * @returns {Values}
 */
export function ema(closes, n, from = 0) {
  const k = 2 / (n + 1);
  /** @type {Values} */
  const out = closes.map(() => null);
  const seed = from + n - 1;
  if (closes.length <= seed) return out;
  let value = closes.slice(from, seed + 1).reduce((a, b) => a + b, 0) / n;
  out[seed] = value;
  for (let i = seed + 1; i < closes.length; i++) out[i] = value = value + k * (closes[i] - value);
  return out;
}

/**
 * @param {number[]} closes
 * @param {number} n
 * @param {number} width in deviations
 * @returns {{upper: Values, middle: Values, lower: Values}}
 */
export function bollinger(closes, n, width) {
  const middle = sma(closes, n);
  const spread = middle.map((mean, i) => {
    if (mean === null) return null;
    const variance =
      closes.slice(i - n + 1, i + 1).reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    return width * Math.sqrt(variance);
  });
  const shifted = (/** @type {number} */ sign) =>
    middle.map((m, i) => (m === null ? null : m + sign * /** @type {number} */ (spread[i])));
  return { upper: shifted(1), middle, lower: shifted(-1) };
}

/**
 * @param {number[]} closes
 * @param {number} n
 * @returns {Values} 0 to 100; null while prices have not moved
 */
export function rsi(closes, n) {
  /** @type {Values} */
  const out = closes.map(() => null);
  let gain = 0;
  let loss = 0;
  for (let i = 1; i < closes.length; i++) {
    const step = closes[i] - closes[i - 1];
    const [up, down] = [Math.max(step, 0), Math.max(-step, 0)];
    gain = i <= n ? gain + up / n : (gain * (n - 1) + up) / n;
    loss = i <= n ? loss + down / n : (loss * (n - 1) + down) / n;
    if (i >= n) out[i] = gain + loss === 0 ? null : (100 * gain) / (gain + loss);
  }
  return out;
}

/**
 * @param {number[]} closes
 * @param {number} fast
 * @param {number} slow
 * @param {number} signal
 * @returns {{macd: Values, signal: Values, histogram: Values}}
 */
export function macd(closes, fast, slow, signal) {
  const quick = ema(closes, fast, slow - fast);
  const slower = ema(closes, slow);
  const raw = slower.map((s, i) => (s === null ? null : /** @type {number} */ (quick[i]) - s));
  const tail = /** @type {number[]} */ (raw.slice(slow - 1));
  const line = [...closes.slice(0, slow - 1).map(() => null), ...ema(tail, signal)].slice(
    0,
    closes.length,
  );
  const shown = raw.map((value, i) => (line[i] === null ? null : value));
  return {
    macd: shown,
    signal: line,
    histogram: shown.map((m, i) => (m === null ? null : m - /** @type {number} */ (line[i]))),
  };
}

/**
 * @param {import("../types.js").Bar[]} bars
 * @param {(time: number) => string} dayOf the session of a time
 * @param {boolean} whole false if the first session may have begun before the first bar: it then
 *   has no values
 * @returns {Values} sum(typical price x volume) / sum(volume) since the session's first bar; null
 *   without volume
 */
export function vwap(bars, dayOf, whole) {
  const cut = whole || !bars.length ? null : dayOf(bars[0].time);
  let day = "";
  let traded = 0;
  let volume = 0;
  return bars.map((bar) => {
    const today = dayOf(bar.time);
    if (today !== day) [day, traded, volume] = [today, 0, 0];
    traded += ((bar.high + bar.low + bar.close) / 3) * bar.volume;
    volume += bar.volume;
    return volume > 0 && today !== cut ? traded / volume : null;
  });
}

/**
 * Find the crosses: changes of the sign of fast - slow since its last non-zero value. So golden and
 * death crosses alternate even if the averages tie.
 * @param {Values} fast @param {Values} slow
 * @returns {{index: number, kind: "golden_cross" | "death_cross"}[]}
 */
export function crosses(fast, slow) {
  /** @type {{index: number, kind: "golden_cross" | "death_cross"}[]} */
  const found = [];
  let last = 0;
  fast.forEach((value, index) => {
    const other = slow[index];
    if (value === null || other === null) return;
    const sign = Math.sign(value - other);
    if (sign && last && sign !== last)
      found.push({ index, kind: sign > 0 ? "golden_cross" : "death_cross" });
    if (sign) last = sign;
  });
  return found;
}
