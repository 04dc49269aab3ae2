// A line over the chart at a price. To screen readers it is a slider.

import { el, setText } from "../dom.js";
import { yOf } from "../chart/plot_layout.js";
import { formatPercent, formatPrice } from "../format.js";

export class PriceSlider {
  /** @param {string} kind its class @param {string} hint id of the text about its keys */
  constructor(kind, hint) {
    this.name = el("span.tag.rule-name");
    this.tag = el("span.tag.rule-tag");
    this.node = el(
      `div.rule-line.${kind}`,
      { role: "slider", tabIndex: 0, "aria-orientation": "vertical", "aria-describedby": hint },
      this.name,
      this.tag,
    );
  }

  /**
   * Move the line to a price.
   * @param {import("./chart_view.js").ChartView} view
   * @param {import("../chart/plot_layout.js").Plot} plot @param {number} price within its range
   * @param {(price: string, away: string) => string} nameOf the shown name, by the price and its
   *   distance from the last price
   */
  place({ last, places }, plot, price, nameOf) {
    const { node } = this;
    const away = last ? formatPercent(100 * (price / last - 1)) : "";
    const text = formatPrice(price, places);
    node.style.width = `${plot.width}px`;
    node.style.transform = `translate(${plot.left}px, ${Math.round(yOf(plot, price))}px)`;
    setText(this.name, nameOf(text, away));
    setText(this.tag, text);
    const values = {
      valuemin: plot.y[0],
      valuemax: plot.y[1],
      valuenow: price,
      valuetext: `${text}, ${away} from the last price`,
    };
    for (const [name, value] of Object.entries(values))
      node.setAttribute(`aria-${name}`, String(value));
  }
}
