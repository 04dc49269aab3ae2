// A classic script that runs before the first paint; everything else is a module. It sets the
// theme, so that it does not flash, and requests the first view's data while the modules still
// load. `early` holds the answers by address, each taken once (config.js); an unused one costs only
// its request.
(() => {
  const recall = (/** @type {string} */ key) => localStorage.getItem(`ticktape.${key}`);
  const theme = recall("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

  /** @type {Map<string, Promise<Response>>} */
  const early = new Map();
  /** @type {any} */ (window).early = early;
  // An answer is handed over once its follow-up requests are sent, so that its user finds those
  // here too. It has been read by then, so it may wait for its user beyond the time after which
  // requests end.
  /** @type {(url: string, next?: (body: any) => void) => void} */
  const ask = (url, next) => {
    const answer = fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(15000) }).then(
      async (response) => new Response(await response.text(), response),
    );
    const given = next
      ? answer
          .then((response) => response.clone().json())
          .then(next)
          .then(
            () => answer,
            () => answer,
          )
      : answer;
    given.catch(() => {}); // the user of the answer, or the next request, reports the error
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
      ask(`${api}/quotes?${new URLSearchParams({ symbols: names.join(",") })}`, () =>
        ask(`${api}/alerts?sort=desc&limit=200`),
      );
    });
  });
})();
