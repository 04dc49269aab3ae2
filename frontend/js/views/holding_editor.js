// The dialog that edits when a channel sends: its limit, digest and quiet hours.

import { ApiError } from "../api.js";
import { replaceChannel } from "../channel_requests.js";
import {
  DAILY,
  DIGESTS,
  MOST_QUIET_HOURS,
  changesOf,
  holdingOf,
  refusedHours,
} from "../data/holding.js";
import { el } from "../dom.js";
import { openDialog } from "./dialog.js";
import { clockField, countField, hoursFields, zoneField, zoneList } from "./holding_fields.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../types.js").Channel} Channel */
/** @typedef {import("./holding_fields.js").Field} Field */

const MOST_MESSAGES = 100;
const MOST_MINUTES = 1440;

/** @param {HTMLElement} node @param {Field[]} fields in it; hidden and disabled unless `on` */
function show(node, fields, on = true) {
  node.hidden = !on;
  for (const { control } of fields) control.disabled = !on;
}

/** The fields of one channel, in a dialog of their own or in the one that adds a channel. */
class HoldingEditor {
  /** @param {Partial<Channel>} channel an empty one for a new channel */
  constructor(channel) {
    const { limit, digest } = channel;
    const daily = digest && typeof digest === "object" ? digest : null;
    this.limited = /** @type {HTMLInputElement} */ (
      el("input", { type: "checkbox", checked: Boolean(limit), onchange: () => this.#follow() })
    );
    this.messages = countField("Messages", limit?.messages ?? 5, MOST_MESSAGES);
    this.minutes = countField("In minutes", limit?.minutes ?? 10, MOST_MINUTES);
    this.digest = /** @type {HTMLSelectElement} */ (
      el(
        "select",
        { onchange: () => this.#follow() },
        ...Object.entries(DIGESTS).map(([value, text]) => el("option", { value }, text)),
      )
    );
    this.digest.value = daily ? DAILY : (/** @type {string} */ (digest) ?? "as_it_happens");
    this.at = clockField("At", daily?.daily_at ?? "08:00");
    this.zones = zoneList();
    this.zone = zoneField(this.zones, daily?.time_zone);
    this.limitRow = el("div.rows", {}, this.messages.node, this.minutes.node);
    this.dailyRow = el("div.rows", {}, this.at.node, this.zone.node);
    this.hours = el("div.windows");
    this.refused = el("small.problem", { role: "alert" });
    this.add = el("button.button", { onclick: () => this.#addHours(null) }, "Add quiet hours");
    /** @type {ReturnType<typeof hoursFields>[]} */
    this.windows = [];
    for (const hours of channel.quiet_hours ?? []) this.#addHours(hours);
    this.#follow();
  }

  /** @returns {HTMLElement[]} */
  get content() {
    return [
      el("label.check", {}, this.limited, "Limit the number of messages"),
      this.limitRow,
      el("label.whole", {}, el("span", {}, "Digest"), this.digest),
      this.dailyRow,
      this.hours,
      this.refused,
      el("div", {}, this.add),
      this.zones,
      el("p", {}, "Held alerts are sent in a digest. Urgent alerts are sent at once."),
    ];
  }

  /** @returns {import("../data/holding.js").Holding} the values as filled in */
  read() {
    return holdingOf({
      limited: this.limited.checked,
      messages: this.messages.control.value,
      minutes: this.minutes.control.value,
      digest: this.digest.value,
      daily_at: this.at.control.value,
      time_zone: this.zone.control.value.trim(),
      quiet: this.windows.map(({ read }) => read()),
    });
  }

  /**
   * Show the API's refusal beside its field, or clear an earlier one.
   * @param {{field: string, detail: string, value: string} | undefined} refused
   * @returns {boolean} whether the refusal is shown: the form has its field
   */
  refuse(refused) {
    this.#fields.forEach((each) => each.refuse(""));
    this.refused.textContent = "";
    if (!refused) return false;
    const { field } = refused;
    const text = refused.detail.replace(`${field}: `, "");
    if (field === "quiet_hours") {
      this.refused.textContent = text;
      return true;
    }
    const window =
      this.windows[
        refusedHours(
          refused,
          this.windows.map(({ read }) => read()),
        )
      ];
    /** @type {Record<string, Field>} */
    const own = {
      "limit.messages": this.messages,
      "limit.minutes": this.minutes,
      "digest.daily_at": this.at,
      "digest.time_zone": this.zone,
    };
    const found = own[field] ?? window?.fields[field.split(".")[1]];
    found?.refuse(text);
    found?.control.focus();
    return Boolean(found);
  }

  get #fields() {
    const quiet = this.windows.flatMap(({ fields }) => Object.values(fields));
    return [this.messages, this.minutes, this.at, this.zone, ...quiet];
  }

  #follow() {
    show(this.limitRow, [this.messages, this.minutes], this.limited.checked);
    show(this.dailyRow, [this.at, this.zone], this.digest.value === DAILY);
    this.add.hidden = this.windows.length >= MOST_QUIET_HOURS;
  }

  /** @param {import("../types.js").QuietHours | null} hours null for the initial ones */
  #addHours(hours) {
    const made = hoursFields(this.zones, hours, () => {
      this.windows = this.windows.filter((each) => each !== made);
      made.node.remove();
      this.#follow();
      this.add.focus();
    });
    this.windows.push(made);
    this.hours.append(made.node);
    if (!hours) made.fields.days.control.focus();
    this.#follow();
  }
}

/**
 * Create the fields of when a new channel sends, for the form that adds it.
 * @returns {{content: HTMLElement[], sending: <T>(write: (holding: Partial<Channel>) =>
 *   Promise<T>) => Promise<T>}} sending: calls `write` with the filled-in fields, and shows a
 *   refusal beside its field
 */
export function newHolding() {
  const editor = new HoldingEditor({});
  return {
    content: editor.content,
    sending: (write) => refusing(editor, () => write(changesOf(editor.read(), {}))),
  };
}

/**
 * @template T
 * @param {HoldingEditor} editor in which a refusal by the API is shown
 * @param {() => Promise<T>} write
 */
async function refusing(editor, write) {
  editor.refuse(undefined);
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof ApiError) || !editor.refuse(error.fields[0])) throw error;
    throw new Error("Nothing was saved. See the marked field.", { cause: error });
  }
}

/**
 * @param {import("../api.js").Api} api @param {Channel} channel
 * @param {string} scope that the key needs
 * @returns {{closed: Promise<boolean>}} closed: whether the form was submitted
 */
export function editHolding(api, channel, scope) {
  const { channel_id: id, name, enabled } = channel;
  const editor = new HoldingEditor(channel);
  return openDialog(`When to send: ${name}`, editor.content, {
    submit: "Save",
    onsubmit: async () => {
      const changed = changesOf(editor.read(), channel);
      if (!Object.keys(changed).length) return;
      const write = () => replaceChannel(api, id, { name, enabled, ...changed });
      await refusing(editor, () => withToken(scope, write));
    },
  });
}
