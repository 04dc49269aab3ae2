// The same bars and averages for both bare pages.

export async function loadBars() {
  const { api } = await (await fetch("config.json")).json();
  const { prices } = await (await fetch(`${api}/prices/ACME?period=1d&interval=1m`)).json();
  return prices;
}

export function average(bars, n) {
  return bars.map((_, i) => (i < n - 1 ? null : bars.slice(i - n + 1, i + 1).reduce((sum, bar) => sum + bar.close, 0) / n));
}
