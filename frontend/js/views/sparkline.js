// Draws a line of closes on a canvas of 64 by 26 pixels.

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values oldest first
 * @param {string} color
 */
export function drawSparkline(canvas, values, color) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [64, 26];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  if (!pen || values.length < 2) return;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (/** @type {number} */ v) =>
    3 + (height - 6) * (high === low ? 0.5 : (high - v) / (high - low));
  pen.scale(scale, scale);
  pen.beginPath();
  values.forEach((value, i) => pen.lineTo(1 + (i / (values.length - 1)) * (width - 2), y(value)));
  pen.strokeStyle = color;
  pen.lineWidth = 1.25;
  pen.lineJoin = "round";
  pen.stroke();
  canvas.dataset.points = String(values.length);
}
