// Controls of when a channel sends or a mute applies, each with a place for the API's refusal.

import { DAYS, dayText } from "../data/holding.js";
import { el } from "../dom.js";
import { ownZone } from "../format.js";

/** @typedef {import("../types.js").QuietHours} QuietHours */
/**
 * @typedef {{node: HTMLElement, control: HTMLInputElement, refuse: (text: string) => void}} Field
 *   refuse: show why the API refused the value; "" clears it
 */

let refusals = 0;
let lists = 0;

/**
 * @param {HTMLInputElement} control @param {HTMLElement} shown the control with its label
 * @param {string} [tag]
 * @returns {Field}
 */
function withRefusal(control, shown, tag = "div.field-of") {
  const said = el("small.problem", { id: `refusal-${(refusals += 1)}` });
  control.setAttribute("aria-describedby", said.id);
  const refuse = (/** @type {string} */ text) => {
    said.textContent = text;
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return { node: el(tag, {}, shown, said), control, refuse };
}

/**
 * @param {string} label @param {Record<string, any>} properties of the input
 * @param {string} [tag]
 */
function field(label, properties, tag) {
  const control = /** @type {HTMLInputElement} */ (
    el("input.input", { required: true, ...properties })
  );
  return withRefusal(control, el("label", {}, el("span", {}, label), control), tag);
}

/** @param {string} label @param {number} value @param {number} max @returns {Field} */
export const countField = (label, value, max) =>
  field(label, { type: "number", min: 1, max, step: 1, value });

/** @param {string} label @param {string} value HH:MM @returns {Field} */
export const clockField = (label, value) => field(label, { type: "time", value });

/**
 * @param {HTMLElement} zones the zones that it suggests: a zoneList
 * @param {string} [value] by default the browser's zone @param {string} [tag]
 * @returns {Field}
 */
export const zoneField = (zones, value = ownZone(), tag) =>
  field("Time zone", { list: zones.id, value, autocomplete: "off", spellcheck: false }, tag);

/**
 * Create the list of time zones. Each dialog with a zoneField contains one of its own, since a
 * dialog may open over another.
 */
export const zoneList = () =>
  el(
    "datalist",
    { id: `time-zones-${(lists += 1)}` },
    ...["UTC", ...Intl.supportedValuesOf("timeZone")].map((value) => el("option", { value })),
  );

/** @type {QuietHours} initial values; hoursFields sets the browser's zone */
const NEW_HOURS = { days: DAYS.slice(0, 5), start: "22:00", end: "07:00", time_zone: "" };

/**
 * Create the controls of weekly hours: one window of quiet hours, or a mute's.
 * @param {HTMLElement} zones the dialog's zoneList
 * @param {QuietHours | null} hours null for the initial ones
 * @param {(() => void) | null} remove null if they cannot be removed
 * @param {string} label
 */
export function hoursFields(zones, hours, remove, label = "Quiet hours") {
  const { days, start, end, time_zone } = hours ?? { ...NEW_HOURS, time_zone: ownZone() };
  const ticks = DAYS.map((day) => {
    const control = el("input", { type: "checkbox", checked: days.includes(day), value: day });
    return /** @type {HTMLInputElement} */ (control);
  });
  const boxes = ticks.map((tick) => el("label.check", {}, tick, dayText(tick.value)));
  /** @type {Record<string, Field>} */
  const fields = {
    days: withRefusal(
      ticks[0],
      el("div.days", { role: "group", "aria-label": "Days on which the hours start" }, ...boxes),
      "div.field-of.wide",
    ),
    start: clockField("From", start),
    end: clockField("To", end),
    time_zone: zoneField(zones, time_zone, "div.field-of.wide"),
  };
  const drop = remove && el("button.button.quiet", { onclick: remove }, "Remove");
  drop?.setAttribute("aria-label", "Remove these quiet hours");
  const node = el(
    "div.rows.hours",
    { role: "group", "aria-label": label },
    el("div.wide.hours-head", {}, label, drop),
    ...Object.values(fields).map((each) => each.node),
  );
  /** @returns {QuietHours} the values as filled in */
  const read = () => ({
    days: ticks.filter((tick) => tick.checked).map((tick) => tick.value),
    start: fields.start.control.value,
    end: fields.end.control.value,
    time_zone: fields.time_zone.control.value.trim(),
  });
  return { node, fields, read };
}
