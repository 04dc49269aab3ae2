// The vendored bundle: a classic script that early.js adds to the page.

/** @returns {any} the bundle; undefined until it is loaded */
export const plotly = () => /** @type {any} */ (window).Plotly;

/** @returns {Promise<void>} resolves once it is loaded; rejects if loading fails */
export function plotlyLoaded() {
  const script = /** @type {HTMLElement} */ (document.getElementById("plotly-bundle"));
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error("The chart's library could not be loaded."));
    if (plotly()) return resolve();
    if (script.dataset.failed) return fail();
    script.addEventListener("load", () => resolve());
    return script.addEventListener("error", fail);
  });
}
