// A text area for formulas: completes words, underlines an error, and explains the value at the
// cursor.

import { el, setText } from "../dom.js";
import { Completions } from "./completions.js";

let boxes = 0;

/**
 * An error in a text; `at` is its offset, null if it has no single place.
 * @typedef {{message: string, at: number | null}} Fault
 */

export class FormulaBox {
  /**
   * @param {string} label @param {string} name of the form's field
   * @param {(text: string, at: number) => import("../data/formula_words.js").Completion} complete
   * @param {(text: string, at: number) => string} hint explains the value at an offset
   */
  constructor(label, name, complete, hint) {
    const id = `formula-${(boxes += 1)}`;
    this.hint = hint;
    this.area = /** @type {HTMLTextAreaElement} */ (
      el("textarea.input.formula-text", {
        id,
        name,
        rows: 3,
        spellcheck: false,
        autocomplete: "off",
        "aria-describedby": `${id}-fault ${id}-hint`,
      })
    );
    this.mirror = el("div.formula-mirror", { "aria-hidden": "true" });
    this.fault = el("p.formula-fault", { id: `${id}-fault`, role: "status" });
    this.about = el("p.formula-hint", { id: `${id}-hint` });
    this.completions = new Completions(
      this.area,
      (at) => complete(this.area.value, at),
      (at) => this.#placeOf(at),
    );
    this.label = el("label", { for: id }, label);
    this.node = el(
      "div.formula",
      {},
      el("div.formula-box", {}, this.mirror, this.area, this.completions.node),
      this.fault,
      this.about,
    );
    this.area.addEventListener("input", () => {
      this.show(null);
      this.completions.follow();
    });
    this.area.addEventListener("scroll", () => {
      this.mirror.scrollTop = this.area.scrollTop;
    });
    for (const moved of ["input", "keyup", "click", "focus"])
      this.area.addEventListener(moved, () => this.#explain());
    this.show(null);
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    this.area.value = text;
    this.show(null);
    this.#explain();
  }

  /** @param {Fault | null} fault @returns {boolean} whether it is at the word being completed */
  isBeingTyped(fault) {
    const { from, options } = this.completions.shown;
    return options.length > 0 && fault?.at === from;
  }

  /** @param {Fault | null} fault */
  show(fault) {
    const text = this.value;
    const at = fault?.at ?? null;
    this.area.setAttribute("aria-invalid", String(Boolean(fault)));
    setText(this.fault, fault?.message ?? "");
    if (at === null) return this.mirror.replaceChildren(`${text} `);
    const word = /^(?:[\w.]+|"[^"\n]*"?|\S)/.exec(text.slice(at))?.[0] ?? " ";
    this.mirror.replaceChildren(
      text.slice(0, at),
      el("mark", {}, word),
      `${text.slice(at + word.length)} `,
    );
  }

  #explain() {
    setText(this.about, this.hint(this.value, this.area.selectionStart));
  }

  /** @param {number} at @returns {{left: number, top: number}} below that character */
  #placeOf(at) {
    const range = document.createRange();
    const texts = document.createTreeWalker(this.mirror, NodeFilter.SHOW_TEXT);
    let left = at;
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const { length } = /** @type {Text} */ (node);
      if (left < length) {
        range.setStart(node, left);
        range.setEnd(node, left + 1);
        break;
      }
      left -= length;
    }
    const box = range.getBoundingClientRect();
    const parent = this.mirror.getBoundingClientRect();
    return { left: box.left - parent.left, top: box.bottom - parent.top + 2 };
  }
}
