// The tool bar: range, bar size, kind of chart, indicators and clock.

import { byId, el } from "../dom.js";
import { indicatorTable } from "../data/indicator_table.js";
import { ownZone } from "../format.js";
import { INTERVALS, RANGES } from "../ranges.js";
import { laidOut, relinked } from "../data/desk.js";
import { menu } from "./menu.js";

/** @typedef {import("../store.js").Store} Store */

/** @param {Store} store @returns {{node: HTMLElement, render: () => void}} */
function rangeButtons(store) {
  const buttons = Object.entries(RANGES).map(([range, { label }]) =>
    el(
      "button",
      {
        title: label,
        "data-range": range,
        onclick: () => store.setView({ range, interval: "auto" }),
      },
      range,
    ),
  );
  const node = el("div.segments.ranges", { role: "group", "aria-label": "Range" }, ...buttons);
  const render = () => {
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button.dataset.range === store.state.view.range));
  };
  return { node, render };
}

/** @param {Store} store */
function customRange(store) {
  const today = new Date().toISOString().slice(0, 10);
  const start = /** @type {HTMLInputElement} */ (
    el("input.input", { type: "date", max: today, "aria-label": "From" })
  );
  const end = /** @type {HTMLInputElement} */ (
    el("input.input", {
      type: "date",
      max: today,
      value: today,
      "aria-label": "To, that day included",
    })
  );
  const problem = el("p.problem", { role: "alert" });
  const show = () => {
    const wrong =
      !start.value || !end.value
        ? "Both days are needed."
        : start.value > end.value
          ? "The first day is after the last."
          : "";
    problem.textContent = wrong;
    if (wrong) return;
    store.setView({ range: "custom", start: start.value, end: end.value, interval: "auto" });
    opened.close();
  };
  const go = el("button.button.primary", { onclick: show }, "Show");
  const opened = menu("Dates", [
    el(
      "div.custom",
      {},
      el("label.field", {}, "From", start),
      el("label.field", {}, "To", end),
      problem,
      go,
    ),
  ]);
  opened.button.addEventListener("click", () => {
    const { view } = store.state;
    problem.textContent = "";
    if (view.range === "custom") [start.value, end.value] = [view.start, view.end];
  });
  const render = () => {
    const { range, start: a, end: b } = store.state.view;
    opened.button.textContent = range === "custom" ? `${a} – ${b}` : "Dates";
    opened.button.setAttribute("aria-pressed", String(range === "custom"));
  };
  return { node: opened.root, render };
}

/** @param {Store} store */
function intervalSelect(store) {
  const auto = el("option", { value: "auto" }, "Auto");
  const select = /** @type {HTMLSelectElement} */ (
    el(
      "select",
      { onchange: () => store.setView({ interval: select.value }) },
      auto,
      ...INTERVALS.map((value) => el("option", { value }, value)),
    )
  );
  const render = () => {
    const { view, series } = store.state;
    select.value = view.interval;
    auto.textContent = view.interval === "auto" && series ? `Auto (${series.interval})` : "Auto";
  };
  return { node: el("label.field", {}, "Bars", select), render };
}

/** @param {Store} store */
function indicatorMenu(store) {
  const table = Object.entries(indicatorTable(store.state.averages));
  const boxes = table.map(([key, { label }]) => {
    const box = /** @type {HTMLInputElement} */ (
      el("input", { type: "checkbox", value: key, onchange: () => toggle(key, box.checked) })
    );
    return { key, box, row: el("label", {}, box, label) };
  });
  const toggle = (/** @type {string} */ key, /** @type {boolean} */ on) => {
    const rest = store.state.view.indicators.filter((other) => other !== key);
    store.setView({ indicators: on ? [...rest, key] : rest });
  };
  const { root } = menu(
    "Indicators",
    boxes.map(({ row }) => row),
  );
  const render = () => {
    for (const { key, box } of boxes) box.checked = store.state.view.indicators.includes(key);
  };
  return { node: root, render };
}

/**
 * Create buttons of which exactly one is pressed.
 * @template {string} T
 * @param {string} label
 * @param {[T, string, string][]} choices value, text, title
 * @param {() => T} now
 * @param {(value: T) => void} choose
 */
function pair(label, choices, now, choose) {
  const buttons = choices.map(([value, text, title]) =>
    el("button", { title, "data-value": value, onclick: () => choose(value) }, text),
  );
  const render = () => {
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button.dataset.value === now()));
  };
  return { node: el("div.segments", { role: "group", "aria-label": label }, ...buttons), render };
}

/** Create the menu of how many charts there are, and what links them. @param {Store} store */
function layoutMenu(store) {
  const count = pair(
    "Charts side by side",
    ["1", "2", "3", "4"].map((n) => [n, n, n === "1" ? "One chart" : `${n} charts`]),
    () => String(store.state.view.desk.length + 1),
    (n) => {
      const { view, symbols } = store.state;
      const listed = symbols.map(({ symbol }) => symbol);
      store.setView(laidOut(view, Number(n), listed));
    },
  );
  const link = pair(
    "Linked by",
    [
      ["none", "Nothing", "Each chart has its own symbol and time"],
      ["symbol", "Symbol", "All charts show the same symbol"],
      ["time", "Time", "All charts share zoom, pan and crosshair"],
    ],
    () => store.state.view.linked,
    (linked) => store.setView(relinked(store.state.view, linked)),
  );
  const { root, button } = menu(
    "⊞",
    [el("div.custom", {}, "Charts side by side", count.node, "Linked by", link.node)],
    { title: "Layout: several charts side by side" },
  );
  button.classList.add("icon");
  button.setAttribute("aria-label", "Layout");
  const render = () => {
    const { desk } = store.state.view;
    button.setAttribute("aria-pressed", String(desk.length > 0));
    count.render();
    link.render();
  };
  return { node: root, render };
}

/** Create the switch to the exchange's time zone or the reader's. @param {Store} store */
function clockButton(store) {
  const press = () =>
    store.setView({ clock: store.state.view.clock === "local" ? "exchange" : "local" });
  const node = el("button.button", { "data-clock": "", onclick: press });
  const render = () => {
    const { view, series } = store.state;
    const local = view.clock === "local";
    node.textContent = local ? "Local time" : "Exchange time";
    node.title = local ? ownZone() : (series?.zone ?? "UTC");
    node.setAttribute("aria-pressed", String(local));
  };
  return { node, render };
}

/** @param {Store} store @returns {HTMLElement} the tool bar, for others to add to */
export function mountToolbar(store) {
  const parts = [
    rangeButtons(store),
    customRange(store),
    intervalSelect(store),
    pair(
      "Kind of chart",
      [
        ["candles", "Candles", "Open, high, low and close"],
        ["line", "Line", "Closes only"],
      ],
      () => store.state.view.type,
      (type) => store.setView({ type }),
    ),
    indicatorMenu(store),
    layoutMenu(store),
    clockButton(store),
  ];
  const bar = byId("toolbar");
  bar.append(...parts.map(({ node }) => node));
  for (const { node } of parts.slice(2, 6)) node.classList.add("chart-only");
  const render = () => {
    for (const part of parts) part.render();
  };
  store.watch(["view", "series"], render);
  render();
  return bar;
}
