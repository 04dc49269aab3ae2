// Previews, saves and undoes changes of rules that are made on the chart. Loaded on demand.

import { ApiError } from "../api.js";
import { lineText, ruleAtPrice, ruleBody } from "../data/conditions.js";
import { firesText } from "../data/previewed.js";
import { formatPrice } from "../format.js";
import { previewRule, usualRange } from "../rule_previews.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../types.js").Rule} Rule */
/** @typedef {import("./rule_lines.js").Move} Move */
/** @typedef {() => Promise<void>} Undo */

export class RuleChanges {
  /**
   * @param {import("./chart_view.js").ChartView} view
   * @param {import("../rule_previews.js").Context} context
   * @param {import("./chart_note.js").ChartNote} note
   * @param {(move: Move | null) => void} hold shows the line of a rule being saved; null: none
   */
  constructor(view, context, note, hold) {
    this.view = view;
    this.context = context;
    this.note = note;
    this.hold = hold;
  }

  /**
   * @param {Move} move @param {() => boolean} isWanted whether the text is still needed
   * @returns {Promise<string>} how often the rule would have fired; "" if the preview fails, which
   *   does not prevent saving
   */
  async firesText({ rule, price }, isWanted) {
    const trigger = rule.trigger === "once" ? "every_time" : rule.trigger;
    const asked = { ...rule, rule_id: null, default: undefined, value: price, trigger };
    const range = usualRange(this.context, asked);
    try {
      const how = { marks: false, backtest: false };
      const found = await previewRule(this.context, asked, range, how);
      if (isWanted()) this.context.store.set({ preview: found.times });
      return firesText(found, range, rule.trigger);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return "";
    }
  }

  /** Save a moved line, unless its rule was changed elsewhere. @param {Move} move */
  async save(move) {
    const { rule, price } = move;
    const written = await this.#write(move, () => this.#replace(move));
    if (!written) return;
    await this.#done(`Moved to ${formatPrice(price, this.view.places)}.`, move, async () => {
      const { rules } = this.context.store.state;
      const now = rules?.find(({ rule_id }) => rule_id === rule.rule_id);
      if (now) await this.save({ rule: now, price: Number(rule.value) });
    });
  }

  /** @param {Move} move @returns {Promise<Rule>} throws an Error that says why nothing was moved */
  async #replace({ rule, price }) {
    const { api, saved } = this.context;
    const stored = await api
      .request(`/rules/${encodeURIComponent(rule.rule_id)}`)
      .catch((error) => {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      });
    if (JSON.stringify(stored) === JSON.stringify(rule))
      return api.replaceRule(rule.rule_id, { ...rule, value: price });
    await saved();
    throw new Error(
      stored
        ? "Not moved: the rule was changed elsewhere. The line shows it as it is now."
        : "Not moved: the rule was deleted elsewhere.",
    );
  }

  /** Make a rule that fires at a price. @param {string} symbol @param {number} price */
  async make(symbol, price) {
    const { api } = this.context;
    const given = ruleBody({
      ...ruleAtPrice(symbol, Number(price.toFixed(this.view.places)), this.view.last),
      interval: "tick",
      trigger: "once",
      enabled: true,
      notify: true,
    });
    const rule = /** @type {Rule} */ ({ ...given, rule_id: "" });
    const move = { rule, price: Number(given.value) };
    /** @type {Rule | null} */
    const made = await this.#write(move, () => api.createRule(given));
    if (!made) return;
    await this.#done(`Rule made: ${lineText(made)}.`, move, async () => {
      const remove = async () => [await api.deleteRule(made.rule_id)];
      if (await this.#write({ ...move, rule: made }, remove)) this.note.show("Rule deleted.");
    });
  }

  /**
   * Save a change, and show the line at its new price meanwhile.
   * @template T
   * @param {Move} move @param {() => Promise<T>} write
   * @returns {Promise<T | null>} the API's answer; null if it failed, which the note says
   */
  async #write(move, write) {
    this.hold(move);
    this.note.hide();
    try {
      const written = await withToken("write:rules", write);
      await this.context.saved();
      return written;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.note.show(error.message);
      return null;
    } finally {
      this.context.store.set({ preview: [] });
      this.hold(null);
    }
  }

  /**
   * Say what was done, and how often the rule would have fired.
   * @param {string} said @param {Move} move @param {Undo} undo
   */
  async #done(said, move, undo) {
    const { store } = this.context;
    this.note.show(said, [["Undo", undo]]);
    const isShown = () => this.note.says(said) && store.state.view.symbol === move.rule.symbol;
    const fires = await this.firesText(move, isShown);
    if (fires && isShown()) this.note.show(`${said} ${fires}`, [["Undo", undo]]);
  }
}
