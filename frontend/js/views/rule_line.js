// "+ Rule": a line over the chart at the price of the new rule. It follows the pointer, a finger or
// the arrow keys; a click, lifting the finger or Enter opens the editor with its price, Escape
// cancels.

import { byId, el, setText } from "../dom.js";
import { plotOf, priceOf, yOf } from "../chart/plot_layout.js";
import { formatPercent, formatPrice } from "../format.js";

/** A mouse press that moves more pixels than this is a drag. */
const STILL = 5;

/** Direction of the arrow keys: up and right raise the price. @type {Record<string, number>} */
const STEPS = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 10,
  PageDown: -10,
};

/**
 * @param {number} span of the visible prices
 * @param {number} places after the point
 * @returns {number} 1, 2 or 5 times a power of ten, about a hundredth of the span
 */
export function stepOf(span, places) {
  const least = Math.max(span / 100, 10 ** -places);
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  return ([1, 2, 5].find((n) => n * power >= least * 0.999) ?? 10) * power;
}

/**
 * @param {number} price
 * @param {string} key as in KeyboardEvent.key
 * @param {[number, number]} range of the visible prices
 * @param {number} places
 * @returns {number | null} the line's new price, always visible; null for a key that does not move
 *   it
 */
export function movedPrice(price, key, [low, high], places) {
  const ends = /** @type {Record<string, number>} */ ({ Home: low, End: high });
  if (!(key in STEPS) && !(key in ends)) return null;
  const step = stepOf(high - low, places);
  const to = ends[key] ?? Math.round(price / step + STEPS[key]) * step;
  return Number(Math.min(high, Math.max(low, to)).toFixed(places));
}

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
    this.name = el("span.tag.rule-name");
    this.tag = el("span.tag.rule-tag");
    this.line = el(
      "div.rule-line",
      {
        role: "slider",
        tabIndex: 0,
        "aria-label": "Price of the new rule",
        "aria-orientation": "vertical",
        "aria-describedby": "rule-hint",
      },
      this.name,
      this.tag,
    );
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

  /** @returns {number | null} the drawn symbol's last price */
  get last() {
    const { series, quotes } = this.view.store.state;
    return (series && quotes.get(series.symbol)?.price) ?? series?.bars.at(-1)?.close ?? null;
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

  /** For mouse and pen: the line follows the pointer, and a press without a move sets the rule. */
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

  /** @param {number} clientY @returns {boolean} whether it is within the price pane */
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
    const shown = this.picking && this.last !== null && plotOf(byId("plot")) !== null;
    if (this.picking && !shown) this.#pickWithout();
    const begins = shown && this.layer.hidden;
    this.layer.hidden = this.hint.hidden = !shown;
    this.section.classList.toggle("picking", shown);
    if (!begins) return;
    this.price = Number(this.last);
    this.#place();
    this.section.scrollIntoView({ block: "nearest" });
    this.line.focus({ preventScroll: true });
  }

  /** Move the line to its price, within the visible range. */
  #place() {
    const plot = plotOf(byId("plot"));
    if (!plot || this.layer.hidden) return;
    const price = Math.min(plot.y[1], Math.max(plot.y[0], this.price));
    const { last } = this;
    const away = last ? formatPercent(100 * (price / last - 1)) : "";
    const text = formatPrice(price, this.view.places);
    this.line.style.width = `${plot.width}px`;
    this.line.style.transform = `translate(${plot.left}px, ${Math.round(yOf(plot, price))}px)`;
    setText(this.name, `Rule at ${text} (${away})`);
    setText(this.tag, text);
    const values = {
      valuemin: plot.y[0],
      valuemax: plot.y[1],
      valuenow: price,
      valuetext: `${text}, ${away} from the last price`,
    };
    for (const [name, value] of Object.entries(values))
      this.line.setAttribute(`aria-${name}`, String(value));
  }
}
