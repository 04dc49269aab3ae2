// Runs before the first paint, so that a switched theme does not flash. Everything else is a module.
(() => {
  const theme = new URLSearchParams(location.hash.slice(1)).get("theme") || localStorage.getItem("ticktape.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
