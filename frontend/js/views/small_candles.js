// Opens and closes of one symbol on a small canvas: one body per bar from open to close, like a
// candle without wicks.

/**
 * @param {HTMLCanvasElement} canvas sized by CSS @param {import("../types.js").Bar[]} bars
 * @param {Record<string, string>} colors
 */
export function drawOpenClose(canvas, bars, colors) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  if (!pen || !bars.length) return;
  pen.scale(scale, scale);
  const prices = bars.flatMap((bar) => [bar.open, bar.close]);
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const y = (/** @type {number} */ price) =>
    4 + (height - 8) * (high === low ? 0.5 : (high - price) / (high - low));
  const step = width / bars.length;
  const body = Math.max(1, Math.min(10, step * 0.68));
  bars.forEach((bar, i) => {
    const [top, bottom] = [y(Math.max(bar.open, bar.close)), y(Math.min(bar.open, bar.close))];
    pen.fillStyle = bar.close >= bar.open ? colors.up : colors.down;
    pen.fillRect(i * step + (step - body) / 2, top, body, Math.max(1, bottom - top));
  });
}
