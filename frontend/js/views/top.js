// The tabs of the views, and the button of the theme.

import { byId, el } from "../dom.js";
import { applyTheme } from "../theme.js";
import { keep } from "../settings.js";

/** @typedef {import("../store.js").Store} Store */

/** @type {["chart" | "compare" | "history", string][]} */
const PAGES = [
  ["chart", "Chart"],
  ["compare", "Compare"],
  ["history", "History"],
];

/**
 * @type {Record<string, ["auto" | "dark" | "light", string]>} the next theme, and the label of the
 *   current one
 */
const NEXT = {
  auto: ["dark", "Theme: as the system"],
  dark: ["light", "Theme: dark"],
  light: ["auto", "Theme: light"],
};

const GLYPHS = { auto: "◐", dark: "☾", light: "☀" };

/** @param {Store} store */
export function mountTop(store) {
  const buttons = PAGES.map(([page, label]) =>
    el("button", { onclick: () => store.setView({ page }) }, label),
  );
  byId("pages").append(el("div.segments", {}, ...buttons));
  const theme = el("button.button.quiet.icon", {
    onclick: () => store.set({ theme: NEXT[store.state.theme][0] }),
  });
  byId("top-actions").append(theme);

  const render = () => {
    const { view } = store.state;
    PAGES.forEach(([page], i) => buttons[i].toggleAttribute("aria-current", view.page === page));
    PAGES.forEach(
      ([page], i) => view.page === page && buttons[i].setAttribute("aria-current", "page"),
    );
    const [, label] = NEXT[store.state.theme];
    theme.textContent = GLYPHS[store.state.theme];
    theme.setAttribute("aria-label", label);
    theme.title = label;
  };
  store.watch(["view", "theme"], render);
  store.when(
    ({ theme: chosen }) => chosen,
    (chosen) => {
      applyTheme(chosen);
      keep("theme", chosen);
    },
  );
  applyTheme(store.state.theme);
  render();
}
