// Two dialogs. One lists and removes mutes, and mutes a symbol, a rule or everything. The other is
// opened by a link in a message. Loaded on demand.

import { ApiError } from "../api.js";
import { busy, el } from "../dom.js";
import { formatClock, formatDay, ownZone, zoneName } from "../format.js";
import { createMute, followLink, listMutes, readLink, removeMute } from "../mute_requests.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../types.js").Mute} Mute @typedef {import("../api.js").Api} Api */
/** @typedef {import("../types.js").QuietHours} QuietHours */
/** @typedef {{symbol: string, ruleId?: string}} Subject what can be muted, besides everything */

const SCOPE = "write:rules";
const HOUR = 3600e3;

const WEEKLY = "weekly";
const OPEN = "until_open";

/** @type {[string, string, number][]} key, label, milliseconds or 0 */
const LENGTHS = [
  ["open", "until the open", 0],
  ["hour", "for an hour", HOUR],
  ["day", "for a day", 24 * HOUR],
  [WEEKLY, "each week", 0],
];

/** @param {string} length of LENGTHS @returns {{until?: string, recurring?: QuietHours}} */
function untilOf(length) {
  const lasts = LENGTHS.find(([key]) => key === length)?.[2] ?? 0;
  return { until: lasts ? new Date(Date.now() + lasts).toISOString() : OPEN };
}

/** @param {number} time milliseconds @returns {string} "Fri 20 Nov 14:05 CET" */
function timeText(time) {
  if (Number.isNaN(time)) return "an unknown time";
  const zone = ownZone();
  return `${formatDay(time, zone)} ${formatClock(time, zone)} ${zoneName(zone, time)}`;
}

/** @param {{symbol: string | null, rule_id: string | null}} mute */
const whatText = ({ symbol, rule_id }) =>
  rule_id ? `the rule ${rule_id}` : (symbol ?? "everything");

/** @param {string} text @returns {string} with its first letter in upper case */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {Mute} mute */
function whenText({ until, recurring }) {
  if (!recurring) return `until ${timeText(Date.parse(until ?? ""))}`;
  const { days, start, end, time_zone } = recurring;
  return `${days.map(sentence).join(", ")} ${start} to ${end}, ${time_zone}`;
}

/** @param {Mute} mute @returns {string} "AAPL is muted until …" */
const saidOf = (mute) => `${sentence(whatText(mute))} is muted ${whenText(mute)}.`;

/**
 * @param {string} label @param {[string, string][]} options
 * @returns {[HTMLSelectElement, HTMLElement]} the control, and its label
 */
function choice(label, options) {
  const control = /** @type {HTMLSelectElement} */ (
    el("select", {}, ...options.map(([value, text]) => el("option", { value }, text)))
  );
  return [control, el("label", {}, el("span", {}, label), control)];
}

/** @typedef {{id: string, what: string, when: string, name?: string}} Entry a line of the list */

/** @param {Mute} mute @returns {Entry} */
const entryOf = (mute) => ({
  id: mute.mute_id,
  what: whatText(mute),
  when: whenText(mute),
  name: mute.name,
});

/** @param {string} id @returns {Entry} */
const unreadableEntry = (id) => ({
  id,
  what: `the mute ${id}`,
  when: "cannot be read, and mutes nothing",
});

/**
 * @param {Api} api @param {Entry} entry
 * @param {(done: Promise<any>) => Promise<void>} follow shows the list once `done` has settled
 */
function item(api, { id, what, when, name }, follow) {
  const remove = el(
    "button.button.quiet",
    {
      type: "button",
      "aria-label": `Remove: ${what} ${when}`,
      onclick: () =>
        void busy(remove, "Removing …", () => follow(withToken(SCOPE, () => removeMute(api, id)))),
    },
    "Remove",
  );
  return el(
    "li",
    {},
    el(
      "div.entry",
      {},
      el("span.what.wide", {}, sentence(what)),
      el("small.wide", {}, [when, name].filter(Boolean).join(" · ")),
      el("div.controls", {}, remove),
    ),
  );
}

/**
 * Create the fields of a weekly mute, loaded and shown while `length` is WEEKLY.
 * @param {HTMLSelectElement} length
 */
function weeklyHours(length) {
  const node = el("div.windows");
  /** @type {ReturnType<typeof import("./holding_fields.js").hoursFields> | null} */
  let hours = null;
  const isChosen = () => length.value === WEEKLY;
  const show = async () => {
    if (!isChosen()) {
      hours = null;
      node.replaceChildren();
      return;
    }
    const { hoursFields, zoneList } = await import("./holding_fields.js").catch((cause) => {
      throw new Error("The fields could not be loaded. Try again.", { cause });
    });
    if (hours || !isChosen()) return;
    const zones = zoneList();
    hours = hoursFields(zones, null, null, "Muted each week");
    node.replaceChildren(hours.node, zones);
  };
  length.addEventListener("change", () => void show().catch(() => {})); // submitting tries again
  return {
    node,
    /** @returns {Promise<{until?: string, recurring: QuietHours} | null>} null if not weekly */
    async read() {
      if (isChosen()) await show();
      return hours && { recurring: hours.read() };
    },
    /** Run `write`, and show a refusal beside its field. @param {() => Promise<any>} write */
    async refusing(write) {
      Object.values(hours?.fields ?? {}).forEach((each) => each.refuse(""));
      try {
        return await write();
      } catch (error) {
        const refused = error instanceof ApiError ? error.fields[0] : undefined;
        const found = refused && hours?.fields[refused.field.split(".")[1]];
        if (!found) throw error;
        const { field, detail } = refused;
        found.refuse(detail.replace(`${field}: `, ""));
        throw new Error("Nothing was muted. See the marked field.", { cause: error });
      }
    },
  };
}

/**
 * @param {Api} api
 * @param {Subject} subject
 * @param {string} [said] the result of the action before
 */
export async function openMutes(api, subject, said = "") {
  const { symbol, ruleId } = subject;
  const [what, whatRow] = choice("Alerts of", [
    ...(symbol ? [/** @type {[string, string]} */ (["symbol", symbol])] : []),
    ...(ruleId ? [/** @type {[string, string]} */ (["rule", `the rule ${ruleId}`])] : []),
    ["all", "everything"],
  ]);
  const lengths = LENGTHS.filter(([key]) => symbol || key !== "open");
  const [length, lengthRow] = choice(
    "How long",
    lengths.map(([key, text]) => [key, text]),
  );
  const weekly = weeklyHours(length);
  const list = el("ul.list", { "aria-label": "Mutes" });
  const status = el("p", { role: "status" });
  const hint = "Muted alerts are recorded, and sent in a digest when the mute ends.";
  /** @type {Mute | null} */
  let made = null;
  const { closed } = openDialog(
    "Mutes",
    [list, status, el("div.rows", {}, whatRow, lengthRow), weekly.node, el("p", {}, hint)],
    {
      submit: "Mute",
      onsubmit: async () => {
        const named =
          what.value === "symbol" ? { symbol } : what.value === "rule" ? { rule_id: ruleId } : {};
        const when = (await weekly.read()) ?? untilOf(length.value);
        const open = when.until === OPEN && what.value !== "symbol" ? { open_of: symbol } : {};
        const given = { ...named, ...when, ...open };
        made = await weekly.refusing(() => withToken(SCOPE, () => createMute(api, given)));
      },
    },
  );
  const follow = async (/** @type {Promise<any>} */ done, text = "") => {
    status.textContent = text;
    try {
      await done;
      const { mutes, unreadable = [] } = await listMutes(api);
      const entries = [...mutes.map(entryOf), ...unreadable.map(unreadableEntry)];
      list.replaceChildren(...entries.map((entry) => item(api, entry, follow)));
      status.textContent = text || (mutes.length ? "" : "Nothing is muted.");
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      status.textContent = error.message;
    }
  };
  void follow(Promise.resolve(), said);
  if ((await closed) && made) void openMutes(api, subject, saidOf(made));
}

/** Ask before muting: opening a link changes nothing. @param {Api} api @param {string} link */
export async function openLink(api, link) {
  const read = readLink(link, Date.now());
  if (!read) {
    openDialog("Mute alerts", [el("p", {}, "This link is damaged.")]);
    return;
  }
  /** @type {Mute | null} */
  let made = null;
  const what = whatText(read);
  const text = `Hold alerts of ${what} until ${timeText(read.until)}? They then come in a digest.`;
  const { closed } = openDialog(`Mute ${what}?`, [el("p", {}, text)], {
    submit: "Mute",
    onsubmit: async () => {
      made = await followLink(api, link);
    },
  });
  if ((await closed) && made) void openMutes(api, { symbol: read.symbol ?? "" }, saidOf(made));
}
