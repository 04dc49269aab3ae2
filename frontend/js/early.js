// A classic script that runs before the first paint; everything else is a module. It sets the
// theme, so that the page does not flash, and requests the first view's data while the modules are
// still loading. `window.early` has the answers by address; takeEarly in config.js takes each once.
(() => {
  const recall = (/** @type {string} */ key) => localStorage.getItem(`ticktape.${key}`);
  const theme = recall("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

  /** @type {Map<string, Promise<Response>>} */
  const early = new Map();
  /** @type {any} */ (window).early = early;
  // An answer resolves after its follow-up requests are sent, so that the module that takes it
  // finds those here, too. Its body is read at once, before the time limit of the request ends.
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
    given.catch(() => {}); // the module that takes the answer reports the error
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
