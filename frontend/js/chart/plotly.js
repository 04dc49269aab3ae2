// The vendored Plotly bundle, a classic script. index.html preloads it, and it runs after sketch.js
// has drawn the first chart.

/** @returns {any} the bundle; undefined until it is loaded */
export const plotly = () => /** @type {any} */ (window).Plotly;

/** @type {() => void} */
let arrived = () => {};

/** Resolves once the bundle has run. @type {Promise<void>} */
export const loaded = new Promise((resolve) => (arrived = resolve));

/** @returns {Promise<unknown>} resolves once the bundle has run; rejects if it cannot be loaded */
export function loadPlotly() {
  const { href } = /** @type {HTMLLinkElement} */ (document.getElementById("plotly-bundle"));
  const script = document.createElement("script");
  script.src = href;
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => (plotly() ? resolve(script) : reject(new Error())));
    script.addEventListener("error", reject);
    document.head.append(script);
  }).then(arrived);
}
