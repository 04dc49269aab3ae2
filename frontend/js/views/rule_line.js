// "+ Rule": a line over the chart at the price of the new rule. It follows the pointer, a finger or
// the arrow keys; a click, lifting the finger or Enter opens the editor with its price, Escape
// cancels.

import { byId, el } from "../dom.js";
import { movedPrice } from "../chart/price_steps.js";
import { plotOf, priceOf } from "../chart/plot_layout.js";
import { PriceSlider } from "./price_slider.js";

/** A mouse press that moves more pixels than this is a drag. */
const STILL = 5;

export class RuleLine {
  /**
   * @param {import("./chart_view.js").ChartView} view
   * @param {HTMLElement} button the button that starts it, which gets the focus back
   */
  constructor(view, button) {
    this.view = view;
    this.button = button;
    this.section = byId("chart");
    this.price = 0;
    this.slider = new PriceSlider("new-rule", "rule-hint");
    this.line = this.slider.node;
    this.line.setAttribute("aria-label", "Price of the new rule");
    const cancel = el("button.button.small-text", { onclick: () => this.cancel() }, "Cancel");
    this.hint = el(
      "div.rule-hint",
      {},
      el(
        "span",
        { id: "rule-hint" },
        el("span.for-pointer", {}, "Click the chart to set a rule at this price. Esc cancels."),
        el("span.for-touch", {}, "Touch the chart and let go to set a rule at this price."),
        el("span.for-pointer.muted", {}, " Keys: ↑ ↓ and Enter."),
      ),
      cancel,
    );
    this.layer = el("div.rule-layer", { hidden: true }, this.line);
    this.section.append(this.layer, this.hint);
    this.hint.hidden = true;
    this.#bind();
    this.#render();
  }

  get picking() {
    return this.view.store.state.picking;
  }

  #bind() {
    const { store, chart } = this.view;
    store.watch(["picking"], () => this.#render());
    store.watch(["quotes"], () => this.#place());
    store.when(
      ({ view }) => view.symbol + view.page,
      () => store.set({ picking: false }),
    );
    chart.addEventListener("drawn", () => this.#place());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.picking && !document.querySelector("dialog"))
        this.cancel();
    });
    this.line.addEventListener("keydown", (event) => this.#onKey(event));
    this.#bindPointer();
    this.#bindTouch();
  }

  /** For mouse and pen: the line follows the pointer, and a press without a drag sets the rule. */
  #bindPointer() {
    const { section } = this;
    section.addEventListener("pointermove", (event) => this.picking && this.#follow(event.clientY));
    section.addEventListener(
      "pointerdown",
      (down) => {
        if (!this.picking || this.#onHint(down)) return;
        this.#follow(down.clientY);
        if (down.pointerType === "touch") return;
        document.addEventListener(
          "pointerup",
          (up) => {
            if (
              this.picking &&
              Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) <= STILL &&
              this.#follow(up.clientY)
            )
              this.#pick();
          },
          { once: true },
        );
      },
      { capture: true },
    );
  }

  /**
   * For touch: the chart neither pans nor scrolls, and no click follows that could hit the opened
   * dialog.
   */
  #bindTouch() {
    let one = false;
    this.section.addEventListener(
      "touchstart",
      (event) => {
        one = this.picking && event.touches.length === 1 && !this.#onHint(event);
        if (one) event.stopPropagation();
      },
      { capture: true, passive: true },
    );
    this.section.addEventListener(
      "touchend",
      (event) => {
        if (!one) return;
        one = false;
        if (event.cancelable) event.preventDefault();
        if (this.picking && this.#follow(event.changedTouches[0].clientY)) this.#pick();
      },
      { passive: false },
    );
  }

  /** @param {Event} event */
  #onHint(event) {
    return this.hint.contains(/** @type {Node} */ (event.target));
  }

  /** @param {number} clientY @returns {boolean} whether that is within the price pane */
  #follow(clientY) {
    const plot = plotOf(byId("plot"));
    const y = clientY - byId("plot").getBoundingClientRect().top;
    if (!plot || y < plot.top || y > plot.top + plot.height) return false;
    this.price = Number(priceOf(plot, y).toFixed(this.view.places));
    this.#place();
    return true;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const plot = plotOf(byId("plot"));
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = movedPrice(this.price, event.key, plot.y, this.view.places);
    if (to === null && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (to === null) return this.#pick();
    this.price = to;
    this.#place();
  }

  #pick() {
    const { price } = this;
    this.cancel();
    this.view.chart.dispatchEvent(new CustomEvent("pick", { detail: price }));
  }

  /** Without a chart, let the editor ask for the price. */
  #pickWithout() {
    this.view.store.set({ picking: false });
    this.view.chart.dispatchEvent(new CustomEvent("pick"));
  }

  cancel() {
    this.view.store.set({ picking: false });
    this.button.focus({ preventScroll: true });
  }

  #render() {
    const shown = this.picking && this.view.last !== null && plotOf(byId("plot")) !== null;
    if (this.picking && !shown) this.#pickWithout();
    const begins = shown && this.layer.hidden;
    this.layer.hidden = this.hint.hidden = !shown;
    this.section.classList.toggle("picking", shown);
    if (!begins) return;
    this.price = Number(this.view.last);
    this.#place();
    this.section.scrollIntoView({ block: "nearest" });
    this.line.focus({ preventScroll: true });
  }

  /** Move the line to its price, within the visible range. */
  #place() {
    const plot = plotOf(byId("plot"));
    if (!plot || this.layer.hidden) return;
    const price = Math.min(plot.y[1], Math.max(plot.y[0], this.price));
    this.slider.place(this.view, plot, price, (text, away) => `Rule at ${text} (${away})`);
  }
}
