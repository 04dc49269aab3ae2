// Loads a part of the page when it is first needed.

/**
 * @param {import("../store.js").Store} store
 * @param {(state: import("../store.js").State) => unknown} needed
 * @param {() => Promise<() => void>} load imports it; resolves to what shows it
 * @param {() => void} failed called if it cannot be loaded; it is tried again when `needed`
 *   changes or the connection is back
 */
export function onDemand(store, needed, load, failed) {
  let isLoading = false; // or loaded
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
