// Edits one rule in a dialog: create, change, delete, and preview on the chart where it would have
// fired.

import { busy, el } from "../dom.js";
import { CONDITIONS, TRIGGERS, ruleBody } from "../data/conditions.js";
import { INTERVALS } from "../ranges.js";
import { channelTicks } from "./channels.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";

const TYPING_PAUSE = 400; // milliseconds

const SEVERITIES = { normal: "Normal", urgent: "Urgent" };

/** @typedef {import("../types.js").Rule} Rule */
/**
 * @typedef {{api: import("../api.js").Api, saved: () => Promise<void>, preview: (rule:
 *   Partial<Rule>) => Promise<string>, check: (rule: Partial<Rule>) => Promise<string>}} Context
 */

/**
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [group] shown for conditions with this field
 */
const labelled = (label, control, group) =>
  el("label", group ? { "data-group": group } : {}, el("span", {}, label), control);

/** @param {string} name @param {[string, string][]} options @param {string} value */
function choice(name, options, value) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { name }, ...options.map(([key, text]) => el("option", { value: key }, text)))
  );
  select.value = value;
  return select;
}

/** @param {string} name @param {any} value @param {Record<string, any>} [more] */
const number = (name, value, more = {}) =>
  /** @type {HTMLInputElement} */ (
    el("input.input", { name, type: "number", step: "any", value: value ?? "", ...more })
  );

/** @param {string} name @param {boolean} checked @param {string} label */
const tick = (name, checked, label) =>
  el("label.check", {}, el("input", { type: "checkbox", name, checked }), label);

/** @param {Partial<Rule>} rule @returns {HTMLElement[]} */
function fields(rule) {
  const conditions = Object.entries(CONDITIONS).map(
    ([key, { label }]) => /** @type {[string, string]} */ ([key, label]),
  );
  const intervals = ["tick", ...INTERVALS].map(
    (key) =>
      /** @type {[string, string]} */ ([
        key,
        key === "tick" ? "Every tick" : `Close of ${key} bars`,
      ]),
  );
  const expires = rule.expires_at ? rule.expires_at.slice(0, 16) : "";
  return [
    labelled(
      "Symbol, or * for all",
      el("input.input", {
        name: "symbol",
        required: true,
        value: rule.symbol ?? "",
        maxLength: 24,
        autocomplete: "off",
        spellcheck: false,
      }),
    ),
    labelled("Condition", choice("condition", conditions, rule.condition ?? "crossing")),
    labelled("Price or percent", number("value", rule.value, { min: 0 }), "price percent"),
    labelled("Fast average", number("fast", rule.fast ?? 5, { min: 1, step: 1 }), "averages"),
    labelled("Slow average", number("slow", rule.slow ?? 20, { min: 2, step: 1 }), "averages"),
    labelled("Bars of the move", number("window", rule.window ?? 5, { min: 1, step: 1 }), "window"),
    labelled(
      "True when",
      el("textarea.input", {
        name: "when",
        value: rule.when ?? "",
        rows: 3,
        maxLength: 1000,
        spellcheck: false,
        placeholder: "rsi(14) < 30 and close > sma(200, 1d)",
      }),
      "when",
    ),
    labelled("Judged at", choice("interval", intervals, rule.interval ?? "tick")),
    labelled("Fires", choice("trigger", Object.entries(TRIGGERS), rule.trigger ?? "once")),
    labelled("Severity", choice("severity", Object.entries(SEVERITIES), rule.severity ?? "normal")),
    labelled(
      "Silence after firing, minutes",
      number("cooldown", (rule.cooldown_seconds ?? 0) / 60, { min: 0 }),
    ),
    labelled(
      "Expires (UTC)",
      el("input.input", { name: "expires", type: "datetime-local", value: expires }),
    ),
  ];
}

/** @param {HTMLFormElement} form @param {string[]} channels @returns {Partial<Rule>} */
function readForm(form, channels) {
  const data = Object.fromEntries(new FormData(form));
  return ruleBody({ ...data, channels, expires: data.expires ? `${data.expires}Z` : "" });
}

/**
 * @param {HTMLElement} grid
 * @param {HTMLFormElement} form shows only the condition's fields
 */
function followCondition(grid, form) {
  const condition = /** @type {HTMLSelectElement} */ (form.elements.namedItem("condition"));
  const render = () => {
    const used = CONDITIONS[condition.value].fields;
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (
      grid.querySelectorAll("[data-group]")
    )) {
      node.hidden = !(node.dataset.group ?? "")
        .split(" ")
        .some((group) => used.includes(/** @type {any} */ (group)));
      /** @type {NodeListOf<HTMLInputElement>} */ (
        node.querySelectorAll("input, textarea")
      ).forEach((input) => (input.required = !node.hidden));
    }
  };
  condition.addEventListener("change", render);
  render();
}

/**
 * Say what is wrong with a formula, once the typing pauses.
 * @param {HTMLFormElement} form @param {() => Promise<string>} check @param {HTMLElement} said
 */
function checkAsTyped(form, check, said) {
  const text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("when"));
  let pause = 0;
  text.addEventListener("input", () => {
    clearTimeout(pause);
    pause = window.setTimeout(async () => {
      const typed = text.value;
      const wrong = typed.trim() ? await check() : "";
      if (typed !== text.value) return;
      text.setAttribute("aria-invalid", String(Boolean(wrong)));
      said.textContent = wrong;
    }, TYPING_PAUSE);
  });
}

/** @param {Context} context @param {Partial<Rule>} rule without rule_id to create a new one */
export function editRule(context, rule) {
  const { api } = context;
  const known = rule.rule_id;
  const grid = el("div.rows", {}, ...fields(rule));
  const ticks = el(
    "div.rows",
    {},
    tick("enabled", rule.enabled ?? true, "Armed"),
    tick("notify", rule.notify ?? true, "Send a notification"),
  );
  const channels = channelTicks(api, rule.channels ?? []);
  const note = el(
    "p",
    {},
    "Judged by polled or streamed prices: a spike between two of them is not seen.",
  );
  const preview = el(
    "button.button.first",
    { onclick: () => void busy(preview, "Looking …", show) },
    "Preview on chart",
  );
  const said = el("p", { role: "status" });
  const { form, problem } = openDialog(
    known ? "Change rule" : "New rule",
    [grid, ticks, channels.node, note, said],
    {
      submit: known ? "Save" : "Create",
      extra: [preview],
      onsubmit: async (filled) => {
        const body = readForm(filled, channels.ids());
        await withToken("write:rules", () =>
          known ? api.replaceRule(known, body) : api.createRule(body),
        );
        await context.saved();
      },
    },
  );
  followCondition(grid, form);
  checkAsTyped(form, () => context.check(readForm(form, channels.ids())), said);
  const show = async () => {
    problem.textContent = "";
    try {
      said.textContent = await context.preview(readForm(form, channels.ids()));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problem.textContent = error.message;
    }
  };
}
