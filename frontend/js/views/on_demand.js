// Loads a part of the page when it is first needed.

/**
 * @param {import("../store.js").Store} store
 * @param {(state: import("../store.js").State) => unknown} needed
 * @param {() => Promise<() => void>} load imports the part; resolves to a function that shows it
 * @param {() => void} failed called if it cannot be loaded; loading is tried again when
 *   `needed` changes or the browser is online again
 */
export function onDemand(store, needed, load, failed) {
  let isLoading = false; // stays true once the part is loaded
  const act = async () => {
    if (isLoading || !needed(store.state)) return;
    isLoading = true;
    const show = await load().catch(() => null);
    if (show) return show();
    isLoading = false;
    return failed();
  };
  store.when(needed, act);
  addEventListener("online", act);
  void act();
}
