// Completion in a text area: a list at the cursor, in which the arrow keys choose.

import { el } from "../dom.js";

/** @typedef {import("../data/formula_words.js").Completion} Completion */
/** @typedef {import("../data/formula_words.js").Option} Option */

let lists = 0;

export class Completions {
  /** @type {Completion} */
  shown = { from: 0, to: 0, options: [] };
  active = 0;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {(at: number) => Completion} ask returns the completions at an offset in the text
   * @param {(at: number) => {left: number, top: number}} placeOf returns the position below an
   *   offset's character, in pixels of the list's parent
   */
  constructor(area, ask, placeOf) {
    this.area = area;
    this.ask = ask;
    this.placeOf = placeOf;
    this.node = el("ul.completions", {
      id: `completions-${(lists += 1)}`,
      role: "listbox",
      "aria-label": "Completions",
      hidden: true,
    });
    for (const [name, value] of Object.entries({
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-controls": this.node.id,
    }))
      area.setAttribute(name, value);
    area.addEventListener("keydown", (event) => this.#onKey(event));
    area.addEventListener("blur", () => this.close());
    area.addEventListener("click", () => this.close());
  }

  /** Complete the word before the cursor; close the list if there is none. */
  follow() {
    const { selectionStart: at, selectionEnd, value } = this.area;
    if (at === selectionEnd && /[\w"]/.test(value[at - 1] ?? "")) this.open();
    else this.close();
  }

  open() {
    this.shown = this.ask(this.area.selectionStart);
    this.active = 0;
    this.#render();
  }

  close() {
    this.shown = { ...this.shown, options: [] };
    this.#render();
  }

  #render() {
    const { from, options } = this.shown;
    this.node.replaceChildren(...options.map((option, i) => this.#row(option, i)));
    this.node.hidden = !options.length;
    if (options.length) {
      const { left, top } = this.placeOf(from);
      this.node.style.top = `${top}px`;
      this.node.style.left = "0";
      const room = (this.node.parentElement?.clientWidth ?? 0) - this.node.offsetWidth;
      this.node.style.left = `${Math.max(0, Math.min(left, room))}px`;
    }
    this.#mark();
  }

  /** @param {Option} option @param {number} i */
  #row({ label, about }, i) {
    return el(
      "li",
      {
        id: `${this.node.id}-${i}`,
        role: "option",
        onpointerdown: (/** @type {Event} */ event) => {
          event.preventDefault(); // the text keeps the focus
          this.#accept(i);
        },
      },
      el("b", {}, label),
      about && el("small", {}, about),
    );
  }

  #mark() {
    [...this.node.children].forEach((row, i) => {
      row.setAttribute("aria-selected", String(i === this.active));
      if (i === this.active) row.scrollIntoView({ block: "nearest" });
    });
    if (this.node.hidden) this.area.removeAttribute("aria-activedescendant");
    else this.area.setAttribute("aria-activedescendant", `${this.node.id}-${this.active}`);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.isComposing) return;
    const { length } = this.shown.options;
    const act = /** @type {Record<string, () => void>} */ ({
      ArrowDown: () => this.#step(1),
      ArrowUp: () => this.#step(-1),
      Enter: () => this.#accept(this.active),
      Tab: () => this.#accept(this.active),
      Escape: () => this.close(),
    })[event.key];
    if (event.key === " " && event.ctrlKey) this.open();
    else if (length && act && !event.shiftKey) act();
    else if (event.key !== ")" || !this.#stepOver()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Step over a closing bracket after the cursor. @returns {boolean} whether there was one */
  #stepOver() {
    const { selectionStart: at, selectionEnd, value } = this.area;
    const depth = [...value].reduce((open, sign) => open + +(sign === "(") - +(sign === ")"), 0);
    const isThere = at === selectionEnd && value[at] === ")" && depth <= 0;
    if (isThere) this.area.setSelectionRange(at + 1, at + 1);
    return isThere;
  }

  /** @param {number} by */
  #step(by) {
    const { length } = this.shown.options;
    this.active = (this.active + by + length) % length;
    this.#mark();
  }

  /** @param {number} i the option that replaces the word */
  #accept(i) {
    const { from, to, options } = this.shown;
    const { insert, select = [insert.length, insert.length] } = options[i];
    const { area } = this;
    this.close();
    area.focus();
    area.setSelectionRange(from, to);
    // Unlike setRangeText, this can be undone with the keyboard.
    if (!document.execCommand("insertText", false, insert)) {
      area.setRangeText(insert, from, to, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    area.setSelectionRange(from + select[0], from + select[1]);
    this.close();
  }
}
