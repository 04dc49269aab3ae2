// A classic script that runs before the first paint: a switched theme must not flash, and the chart's library should be
// evaluated while the modules are still on their way. Everything else is a module.
(() => {
  const theme = localStorage.getItem("ticktape.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

  const library = document.createElement("script");
  library.src = "vendor/plotly-finance.min.js";
  library.id = "plotly-bundle";
  library.async = true;
  library.addEventListener("error", () => (library.dataset.failed = "yes"));
  document.head.append(library);
})();
