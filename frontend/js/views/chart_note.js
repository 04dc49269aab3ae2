// A note over the chart: the result of an action, with buttons such as Undo.

import { busy, byId, el, setText } from "../dom.js";

export class ChartNote {
  constructor() {
    this.text = el("span");
    this.tools = el("span.note-tools");
    const close = el(
      "button.button.small-text",
      { "aria-label": "Close the note", onclick: () => this.hide() },
      "✕",
    );
    this.node = el("div.chart-note", { hidden: true }, this.text, this.tools, close);
    byId("chart").append(this.node);
  }

  /**
   * Show a text, which screen readers announce.
   * @param {string} text @param {[string, () => Promise<unknown> | void][]} [actions] buttons
   */
  show(text, actions = []) {
    this.tools.replaceChildren(
      ...actions.map(([label, act]) => {
        const button = el(
          "button.button.small-text",
          { onclick: () => void busy(button, "…", async () => act()) },
          label,
        );
        return button;
      }),
    );
    setText(this.text, text);
    setText(byId("announce"), text);
    this.node.hidden = false;
  }

  /** @param {string} text @returns {boolean} whether the note shows this text */
  says(text) {
    return !this.node.hidden && this.text.textContent === text;
  }

  hide() {
    const hasFocus = this.node.contains(document.activeElement);
    this.node.hidden = true;
    if (hasFocus) byId("chart").focus({ preventScroll: true });
  }
}
