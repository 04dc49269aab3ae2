// Lines at the prices of the symbol's armed rules. A line is dragged, or moved by the arrow keys
// and saved by Enter; Delete deletes its rule. A click with Alt, or Alt and Enter, makes a rule.

import { areClose, boundPrice, movedPrice, nameLefts } from "../chart/price_steps.js";
import { plotOf, priceOf, yOf } from "../chart/plot_layout.js";
import { distanceText, lineRules, lineText } from "../data/conditions.js";
import { arrange, byId, el } from "../dom.js";
import { PriceSlider } from "./price_slider.js";

/** @typedef {import("../types.js").Rule} Rule */
/** @typedef {import("./rule_changes.js").RuleChanges} RuleChanges */
/** @typedef {import("../chart/plot_layout.js").Plot} Plot */
/** @typedef {{rule: Rule, line: PriceSlider, isMoved: boolean, price: number}} Shown */
/** A rule's line that is moved to a price. @typedef {{rule: Rule, price: number}} Move */

/** A press that moves more pixels than this is a drag. */
const STILL = 4;
/** Milliseconds without a move after which the preview is requested. */
const PAUSE = 150;

export class RuleLines {
  /**
   * @param {import("./chart_view.js").ChartView} view
   * @param {import("./chart_note.js").ChartNote} note
   * @param {import("./rules.js").RulesPanel} panel
   */
  constructor(view, note, panel) {
    this.view = view;
    this.panel = panel;
    this.section = byId("chart");
    this.note = note;
    this.layer = el("div.rule-layer", { role: "group", "aria-label": "Rules on the chart" });
    const keys =
      "Arrow keys move the line. Enter saves it, or opens the rule. Delete deletes the rule.";
    this.section.append(this.layer, el("span", { id: "level-keys", hidden: true }, keys));
    /** @type {Map<string, PriceSlider>} by the rule's id */
    this.lines = new Map();
    /** @type {Move | null} */
    this.move = null;
    this.isSaving = false;
    /** @type {AbortController | null} of the drag in progress */
    this.drag = null;
    this.isTouch = false;
    this.timer = 0;
    /** @type {RuleChanges | undefined} loaded with the first change */
    this.changes = undefined;
    const { store, chart } = view;
    store.watch(["rules", "quotes"], () => this.render());
    chart.addEventListener("drawn", () => this.render());
    chart.addEventListener("make", (event) =>
      this.#make(/** @type {CustomEvent<number>} */ (event).detail),
    );
    store.when(
      ({ view: { symbol, page }, picking }) => [symbol, page, picking].join(),
      () => {
        this.cancel();
        this.note.hide();
      },
    );
    this.#bindAlt();
  }

  get plot() {
    return plotOf(byId("plot"));
  }

  render() {
    const { plot } = this;
    const shown = plot ? this.#shown(plot) : [];
    const known = new Set(shown.map(({ rule }) => rule.rule_id));
    for (const id of this.lines.keys()) if (!known.has(id)) this.lines.delete(id);
    this.layer.hidden = !shown.length;
    this.section.classList.toggle("moving", this.move !== null);
    arrange(
      this.layer,
      shown.map(({ line }) => line.node),
    );
    if (plot) this.#place(shown, plot);
  }

  /** @param {Plot} plot @returns {Shown[]} lines within it, and lines that are moved or focused */
  #shown(plot) {
    const { move } = this;
    const [low, high] = plot.y;
    const { series, rules } = this.view.store.state;
    const armed = lineRules(rules ?? [], series?.symbol ?? "");
    if (move && !armed.some(({ rule_id }) => rule_id === move.rule.rule_id)) armed.push(move.rule);
    return armed.flatMap((rule) => {
      const id = rule.rule_id;
      const isMoved = id === move?.rule.rule_id;
      const price = isMoved ? move.price : Number(rule.value);
      const stays = isMoved || this.lines.get(id)?.node === document.activeElement;
      if (!stays && (price < low || price > high)) return [];
      const line = this.lines.get(id) ?? this.#line(id);
      return { rule, line, isMoved, price: Math.min(high, Math.max(low, price)) };
    });
  }

  /** @param {Shown[]} shown @param {Plot} plot */
  #place(shown, plot) {
    for (const { rule, line, isMoved, price } of shown) {
      line.place(this.view, plot, price, (text, away) =>
        isMoved ? `${lineText({ ...rule, value: price })} (${away})` : lineText(rule),
      );
      line.node.setAttribute("aria-label", `Rule: ${lineText(rule)}`);
      line.node.classList.toggle("moving", isMoved);
    }
    const still = shown.filter(({ isMoved }) => !isMoved);
    const heights = still.map(({ price }) => yOf(plot, price));
    const isClose = areClose(heights); // only then are widths needed, which are slow
    const widths = still.map(({ line }) => (isClose ? line.name.offsetWidth : 0));
    const lefts = nameLefts(heights, widths, plot.width);
    still.forEach(({ line }, i) => (line.name.style.left = `${lefts[i]}px`));
  }

  /** @param {string} id @returns {PriceSlider} */
  #line(id) {
    const line = new PriceSlider("level", "level-keys");
    const { node } = line;
    node.addEventListener("pointerdown", (event) => this.#press(event, id));
    node.addEventListener("keydown", (event) => this.#onKey(event, id));
    node.addEventListener("blur", () => !this.drag && !this.isSaving && this.cancel());
    node.addEventListener("wheel", (event) => {
      event.preventDefault();
      document.querySelector("#plot .nsewdrag")?.dispatchEvent(new WheelEvent("wheel", event));
    });
    this.lines.set(id, line);
    return line;
  }

  /** @param {string} id @returns {Rule | undefined} the rule as last loaded */
  #rule(id) {
    return this.view.store.state.rules?.find(({ rule_id }) => rule_id === id);
  }

  /**
   * Drag a line. A press without a move shows its rule in the note.
   * @param {PointerEvent} down @param {string} id
   */
  #press(down, id) {
    const { plot } = this;
    const rule = this.#rule(id);
    if (down.button || this.isSaving || !plot || !rule) return;
    this.cancel();
    const { node } = /** @type {PriceSlider} */ (this.lines.get(id));
    const grip = yOf(plot, Number(rule.value)) - down.clientY;
    const drag = (this.drag = new AbortController());
    this.isTouch = down.pointerType === "touch";
    const { signal } = drag;
    node.setPointerCapture(down.pointerId);
    node.addEventListener(
      "pointermove",
      ({ clientX, clientY }) => {
        const now = this.plot;
        const isStill = Math.hypot(clientX - down.clientX, clientY - down.clientY) <= STILL;
        if (now && (this.move || !isStill)) this.#moveTo(rule, priceOf(now, clientY + grip));
      },
      { signal },
    );
    node.addEventListener("pointercancel", () => this.cancel(), { signal });
    node.addEventListener(
      "pointerup",
      () => {
        drag.abort();
        this.drag = null;
        if (this.move) void this.#save(this.move);
        else if (!this.section.classList.contains("on-mark")) this.#tell(rule);
      },
      { signal },
    );
  }

  /** @param {Rule} rule */
  #tell(rule) {
    const { quotes } = this.view.store.state;
    const distance = distanceText(rule, quotes.get(rule.symbol));
    this.note.show([lineText(rule), distance].filter(Boolean).join(", "), [
      ["Edit", () => this.#edit(rule)],
      ["Delete", () => this.#delete(rule)],
    ]);
  }

  /** @param {Rule} rule */
  #edit(rule) {
    this.note.hide();
    return this.panel.edit(rule);
  }

  /** @param {Rule} rule */
  async #delete(rule) {
    this.note.hide();
    if (rule.default) return this.note.show("A rule of the settings cannot be deleted here.");
    if (await this.panel.confirmDelete(rule)) this.section.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event @param {string} id */
  #onKey(event, id) {
    const { key } = event;
    const { plot, move } = this;
    const rule = this.#rule(id);
    if (!plot || !rule || this.isSaving || event.ctrlKey || event.metaKey || event.altKey) return;
    const enter = () => void (move ? this.#save(move) : this.#edit(rule));
    const remove = () => void this.#delete(rule);
    /** @type {Record<string, () => void>} */
    const acts = { Enter: enter, " ": enter, Delete: remove, Backspace: remove };
    if (move) acts.Escape = () => this.cancel();
    const to = movedPrice(move?.price ?? Number(rule.value), key, plot.y, this.view.places);
    if (to === null && !acts[key]) return;
    event.preventDefault();
    event.stopPropagation();
    if (to === null) acts[key]();
    else this.#moveTo(rule, to);
  }

  /** @param {Rule} rule @param {number} price */
  #moveTo(rule, price) {
    const { plot } = this;
    if (!plot) return;
    this.move = { rule, price: boundPrice(price, plot.y, this.view.places) };
    this.render();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.#preview(this.move), PAUSE);
  }

  /** Put the moved line back. */
  cancel() {
    this.drag?.abort();
    this.drag = null;
    clearTimeout(this.timer);
    if (!this.move) return;
    this.move = null;
    this.view.store.set({ preview: [] });
    this.note.hide();
    this.render();
  }

  /** Say how often the rule would have fired at its new price. @param {Move | null} move */
  async #preview(move) {
    const isWanted = () => move !== null && move === this.move && !this.isSaving;
    const said = move && (await (await this.#loaded())?.firesText(move, isWanted));
    const how = this.drag ? "Let go to save" : "Enter saves";
    if (said && isWanted())
      this.note.show(`${said} ${how}${this.isTouch ? "." : ", Esc cancels."}`);
  }

  /** Show a line at its new price while it is being saved. @param {Move | null} move null: none */
  #hold(move) {
    clearTimeout(this.timer);
    this.isSaving = move !== null;
    this.move = move;
    this.render();
  }

  /** @returns {Promise<RuleChanges | null>} null if it cannot be loaded, which the note says */
  async #loaded() {
    try {
      const { RuleChanges } = await import("./rule_changes.js");
      const hold = this.#hold.bind(this);
      return (this.changes ??= new RuleChanges(this.view, this.panel.context, this.note, hold));
    } catch {
      this.isSaving = false;
      this.cancel();
      this.note.show("The tool could not be loaded. Try again.");
      return null;
    }
  }

  /** @param {Move} move */
  async #save(move) {
    if (move.price === Number(move.rule.value)) return this.cancel();
    this.#hold(move);
    await (await this.#loaded())?.save(move);
  }

  /** @param {number} price */
  async #make(price) {
    const { series, rules } = this.view.store.state;
    if (!series || rules === null || this.isSaving) return;
    this.cancel();
    await (await this.#loaded())?.make(series.symbol, price);
  }

  /** A click with Alt makes a rule at its price. */
  #bindAlt() {
    let from = { x: 0, y: 0 };
    this.section.addEventListener(
      "pointerdown",
      ({ clientX, clientY }) => (from = { x: clientX, y: clientY }),
      { capture: true },
    );
    this.section.addEventListener("click", ({ altKey, clientX, clientY, target }) => {
      const { plot } = this;
      const isStill = Math.hypot(clientX - from.x, clientY - from.y) <= STILL;
      const isPlot = byId("plot").contains(/** @type {Node} */ (target));
      if (!plot || !altKey || !isStill || !isPlot || this.view.store.state.picking) return;
      const y = clientY - byId("plot").getBoundingClientRect().top;
      if (y >= plot.top && y <= plot.top + plot.height) void this.#make(priceOf(plot, y));
    });
  }
}
