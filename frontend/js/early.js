// A classic script that runs before the first paint. A switched theme must not flash; the chart's library should be
// evaluated, and what the first view asks the API for be on its way, while the modules still come. Everything else is a
// module. `early` holds the answers by address, each to be taken once (settings.js); a guess that is not wanted costs a
// request and nothing else.
(() => {
  const recall = (/** @type {string} */ key) => localStorage.getItem(`ticktape.${key}`);
  const theme = recall("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

  const library = document.createElement("script");
  library.src = "vendor/plotly-finance.min.js";
  library.id = "plotly-bundle";
  library.async = true;
  library.addEventListener("error", () => (library.dataset.failed = "yes"));
  document.head.append(library);

  /** @type {Map<string, Promise<Response>>} */
  const early = (/** @type {any} */ (window).early = new Map());
  const ask = async (/** @type {string} */ url) => {
    const answer = fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(15000) });
    early.set(url, answer);
    return (await answer).clone().json();
  };
  const given = new URLSearchParams(location.hash.slice(1));
  const usual = ["view", "range", "interval", "start"].every((key) => !given.has(key));
  const start = async () => {
    const { api } = await ask("config.json");
    const bars = (/** @type {string} */ symbol) => ask(`${api}/prices/${encodeURIComponent(symbol)}?${new URLSearchParams({ period: "1d", interval: "auto", limit: "500", sort: "desc" })}`);
    const known = given.get("symbol") ?? JSON.parse(recall("view") ?? "{}").symbol;
    const first = known && usual ? bars(known) : null;
    first?.catch(() => {}); // not awaited where the symbols do not come
    const { symbols } = await ask(`${api}/symbols`);
    const names = symbols.slice(0, 100).map((/** @type {any} */ listed) => listed.symbol);
    if (!names.length) return;
    await Promise.all([first ?? (usual && bars(names[0])), ask(`${api}/quotes?${new URLSearchParams({ symbols: names.join(",") })}`)]);
  };
  start().catch(() => {}); // whoever takes the answer, or asks again, says what is wrong
})();
