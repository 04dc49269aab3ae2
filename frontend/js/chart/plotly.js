// The vendored bundle, a classic script. index.html preloads it; it runs after the first chart
// (sketch.js), which does not wait for it.

/** @returns {any} the bundle; undefined until it is loaded */
export const plotly = () => /** @type {any} */ (window).Plotly;

/** @returns {Promise<void>} resolves once it has run; rejects if loading fails */
export function loadPlotly() {
  const { href } = /** @type {HTMLLinkElement} */ (document.getElementById("plotly-bundle"));
  const script = document.createElement("script");
  script.src = href;
  document.head.append(script);
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () =>
      reject(new Error("The chart's library could not be loaded.")),
    );
  });
}
