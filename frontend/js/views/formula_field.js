// The field of a rule's formula: text, or a tree in JSON, which the API checks while it is typed.

import { busy, el, setText } from "../dom.js";
import { completionsAt, hintAt, wordsOf } from "../data/formula_words.js";
import { TreeError, readTree, treeCompletionsAt, treeText } from "../data/tree_words.js";
import { faultOf } from "../data/faults.js";
import { checkRule } from "../rule_previews.js";
import { FormulaBox } from "./formula_box.js";

/** @typedef {import("../rule_previews.js").Context} Context */
/** @typedef {"text" | "tree"} Form */

const TYPING_PAUSE = 400; // milliseconds
const MAX_TEXT = 1000; // characters; the API's limit

export class FormulaField {
  /** @type {Form} */
  form = "text";
  /** @type {import("../data/formula_words.js").Words} */
  words = { values: [], intervals: [], symbols: [] };
  /** @type {import("../data/previewed.js").Previewed["when"]} */
  known = null;

  /**
   * @param {Context} context
   * @param {string} text of the condition
   * @param {() => import("../rule_previews.js").Asked} rule returns the rule as filled in
   * @param {() => void} accepted called when the API has accepted a changed formula
   */
  constructor(context, text, rule, accepted) {
    this.context = context;
    this.rule = rule;
    this.accepted = accepted;
    this.box = new FormulaBox(
      "True when",
      "when",
      (typed, at) =>
        (this.form === "text" ? completionsAt : treeCompletionsAt)(this.words, typed, at),
      (typed, at) => (this.form === "text" ? hintAt(this.words, typed, at) : ""),
    );
    this.forms = /** @type {Form[]} */ (["text", "tree"]).map((form) => {
      const button = el(
        "button",
        { onclick: () => void busy(button, button.textContent ?? "", () => this.#use(form)) },
        form === "text" ? "Text" : "Tree",
      );
      return button;
    });
    this.note = el("p.formula-hint", { role: "status" });
    this.node = el(
      "div.field-of.wide",
      { "data-group": "when" },
      el(
        "div.formula-head",
        {},
        this.box.label,
        el("div.segments", { role: "group", "aria-label": "Written as" }, ...this.forms),
      ),
      this.box.node,
      this.note,
    );
    this.#dress("text", text);
    this.box.area.addEventListener("input", () => this.#later());
    void this.#learn();
  }

  /** @returns {any} the text or the tree; throws TreeError */
  given() {
    return this.form === "text" ? this.box.value : readTree(this.box.value).tree;
  }

  /** Read the words to complete from the API's OpenAPI document. */
  async #learn() {
    const { api, store } = this.context;
    const symbols = store.state.symbols.map(({ symbol }) => symbol);
    const document = await api.request("/openapi.json").catch(() => ({}));
    this.words = wordsOf(document, symbols);
  }

  /** @param {Form} form @param {string} text */
  #dress(form, text) {
    this.form = form;
    this.box.area.maxLength = form === "text" ? MAX_TEXT : 20 * MAX_TEXT;
    this.box.area.placeholder =
      form === "text"
        ? "rsi(14) < 30 and close > sma(200, 1d)"
        : '{"op": "below", "left": {"value": "rsi"}, "right": 30}';
    this.box.value = text;
    this.forms.forEach((button, i) =>
      button.setAttribute("aria-pressed", String((i === 0) === (form === "text"))),
    );
  }

  /** Switch to another form, if the API accepts the formula. @param {Form} form */
  async #use(form) {
    if (form === this.form) return;
    if (!this.box.value.trim()) return this.#dress(form, "");
    await this.#check();
    if (!this.known) return;
    this.#dress(form, form === "text" ? this.known.text : treeText(this.known.tree));
  }

  #later() {
    clearTimeout(this.pause);
    this.pause = window.setTimeout(async () => {
      if (await this.#check()) this.accepted();
    }, TYPING_PAUSE);
  }

  /** Check the formula again after another field has changed. */
  again() {
    if (!this.node.hidden) void this.#check();
  }

  /** Check the formula, and show its error. @returns {Promise<boolean>} whether it is accepted */
  async #check() {
    const typed = this.box.value;
    this.known = null;
    if (!typed.trim()) return false;
    let refused = null;
    try {
      ({ refused, when: this.known } = await checkRule(this.context, this.rule()));
    } catch (error) {
      if (!(error instanceof TreeError)) throw error;
      refused = error;
    }
    if (typed !== this.box.value) return false;
    const fault = faultOf(refused, typed, this.form);
    this.box.show(this.box.isBeingTyped(fault) ? null : fault);
    setText(this.note, fault ? "" : (refused?.message ?? this.#needs()));
    return this.known !== null;
  }

  #needs() {
    const needs = this.known?.needs.map((text) => text.replace("needs ", "")) ?? [];
    return needs.length ? `Needs ${needs.join(" and ")}.` : "";
  }
}
