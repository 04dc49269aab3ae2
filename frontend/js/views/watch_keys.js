// Keyboard control of the watch-list: "/" searches, Enter opens the first match; up, down, Home and
// End open other rows.

/**
 * @param {HTMLInputElement} search
 * @param {HTMLElement} body the table's rows
 * @param {(symbol: string) => void} open
 */
export function bindWatchKeys(search, body, open) {
  const rows = () => /** @type {HTMLElement[]} */ ([...body.children]);
  const go = (/** @type {HTMLElement | undefined} */ row) => {
    if (!row?.dataset.symbol) return;
    open(row.dataset.symbol);
    row.tabIndex = 0;
    row.focus({ preventScroll: false });
  };
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (
      event.key !== "/" ||
      event.ctrlKey ||
      event.metaKey ||
      target.closest("input, select, textarea, dialog")
    )
      return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      go(rows()[0]);
    }
    if (event.key === "Escape") {
      search.value = "";
      search.dispatchEvent(new Event("input"));
    }
  });
  body.addEventListener("keydown", (event) => {
    const list = rows();
    const at = list.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (to === undefined && event.key !== "Enter") return;
    event.preventDefault();
    go(list[to ?? at]);
  });
}
