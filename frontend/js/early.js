// A classic script that runs before the first paint. A switched theme must not flash; what the
// first view asks the API for should be on its way while the chart's library and the modules still
// come, and a library that does not come be noticed. Everything else is a module. `early` holds the
// answers by address, each to be taken once (config.js); a guess that is not wanted costs a
// request and nothing else.
(() => {
  const recall = (/** @type {string} */ key) => localStorage.getItem(`ticktape.${key}`);
  const theme = recall("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

  const noteFailure = (/** @type {Event} */ { target }) =>
    target instanceof HTMLScriptElement && (target.dataset.failed = "yes");
  addEventListener("error", noteFailure, true);

  /** @type {Map<string, Promise<Response>>} */
  const early = new Map();
  /** @type {any} */ (window).early = early;
  // An answer is handed over when what follows from it has been asked, so that its taker finds that
  // here too.
  /** @type {(url: string, next?: (body: any) => void) => void} */
  const ask = (url, next) => {
    const answer = fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(15000) });
    const given = next
      ? answer
          .then((response) => response.clone().json())
          .then(next)
          .then(
            () => answer,
            () => answer,
          )
      : answer;
    given.catch(() => {}); // whoever takes it, or asks again, says what is wrong
    early.set(url, given);
  };
  const named = new URLSearchParams(location.hash.slice(1));
  const usual = ["view", "range", "interval", "start"].every((key) => !named.has(key));
  ask("config.json", ({ api }) => {
    const bars = (/** @type {string} */ symbol) =>
      usual &&
      ask(
        `${api}/prices/${encodeURIComponent(symbol)}?period=1d&interval=auto&limit=500&sort=desc`,
      );
    const known = named.get("symbol") ?? JSON.parse(recall("view") ?? "{}").symbol;
    if (known) bars(known);
    ask(`${api}/symbols`, ({ symbols }) => {
      const names = symbols.slice(0, 100).map((/** @type {any} */ listed) => listed.symbol);
      if (!names.length) return;
      if (!known) bars(names[0]);
      ask(`${api}/quotes?${new URLSearchParams({ symbols: names.join(",") })}`);
    });
  });
})();
