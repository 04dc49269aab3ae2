// The dialog that creates or changes a rule, and previews on the chart where it would have fired.

import { el } from "../dom.js";
import { withStyles } from "../styles.js";
import { CONDITIONS, TRIGGERS, ruleBody } from "../data/conditions.js";
import { INTERVALS } from "../ranges.js";
import { channelTicks } from "./channels.js";
import { openDialog } from "./dialog.js";
import { FormulaField } from "./formula_field.js";
import { withToken } from "./token_dialog.js";
import { Tried } from "./tried.js";

const SEVERITIES = { normal: "Normal", urgent: "Urgent" };

/** @typedef {import("../types.js").Rule} Rule */
/** @typedef {import("../rule_previews.js").Context} Context */

/**
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [group] the fields of conditions for which it is shown
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

/**
 * @param {Partial<Rule>} rule @param {HTMLElement} formula the field of the condition `when`
 * @param {HTMLElement} tried the rule's preview
 * @returns {HTMLElement[]}
 */
function fields(rule, formula, tried) {
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
    labelled("Bars in the move", number("window", rule.window ?? 5, { min: 1, step: 1 }), "window"),
    formula,
    labelled("Evaluated on", choice("interval", intervals, rule.interval ?? "tick")),
    labelled("Fires", choice("trigger", Object.entries(TRIGGERS), rule.trigger ?? "once")),
    tried,
    labelled("Severity", choice("severity", Object.entries(SEVERITIES), rule.severity ?? "normal")),
    labelled(
      "Cooldown, minutes",
      number("cooldown", (rule.cooldown_seconds ?? 0) / 60, { min: 0 }),
    ),
    labelled(
      "Expires (UTC)",
      el("input.input", { name: "expires", type: "datetime-local", value: expires }),
    ),
  ];
}

/**
 * @param {HTMLElement} form @param {string[]} channels
 * @param {FormulaField} formula
 * @returns {Record<string, any>} the API's rule; throws TreeError if the tree is not JSON
 */
function readForm(form, channels, formula) {
  const data = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (form)));
  const when = data.condition === "when" ? formula.given() : "";
  const expires = data.expires ? `${data.expires}Z` : "";
  return ruleBody({ ...data, when, channels, expires });
}

/**
 * Show only the fields of the chosen condition.
 * @param {HTMLElement} grid @param {HTMLFormElement} form
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

/** @param {Context} context @param {Partial<Rule>} rule without rule_id to create a new one */
export async function editRule(context, rule) {
  await withStyles("css/formula.css");
  const { api } = context;
  const known = rule.rule_id;
  const channels = channelTicks(api, rule.channels ?? []);
  /** @type {HTMLFormElement | null} */
  let opened = null;
  /** @returns {Record<string, any>} */
  const filled = () => (opened ? readForm(opened, channels.ids(), formula) : rule);
  const formula = new FormulaField(context, rule.when ?? "", filled, () => tried.again());
  const tried = new Tried(context, filled);
  const grid = el("div.rows", {}, ...fields(rule, formula.node, tried.node));
  const ticks = el(
    "div.rows",
    {},
    tick("enabled", rule.enabled ?? true, "Armed"),
    tick("notify", rule.notify ?? true, "Send a notification"),
  );
  const note = el(
    "p",
    {},
    "Evaluated on polled or streamed prices: a spike between two of them is missed.",
  );
  const { dialog, form } = openDialog(
    known ? "Change rule" : "New rule",
    [grid, ticks, channels.node, note],
    {
      submit: known ? "Save" : "Create",
      onsubmit: async () => {
        const body = filled();
        await withToken("write:rules", () =>
          known ? api.replaceRule(known, body) : api.createRule(body),
        );
        await context.saved();
      },
    },
  );
  opened = form;
  dialog.classList.add("beside");
  followCondition(grid, form);
  form.addEventListener("change", ({ target }) => {
    const field = /** @type {HTMLSelectElement} */ (target);
    if (tried.node.contains(field) || formula.node.contains(field)) return;
    if (field.name === "interval") tried.follow(field.value);
    formula.again();
    tried.again();
  });
}
