// Puts a channel's limit, digest and quiet hours into words, and reads them from a form. Pure.

/** @typedef {import("../types.js").Channel} Channel */
/** @typedef {import("../types.js").QuietHours} QuietHours */
/** @typedef {Required<Pick<Channel, "limit" | "digest" | "quiet_hours">>} Holding */

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** The most periods of quiet hours of a channel. */
export const MOST_QUIET_HOURS = 7;

/** The key of a daily digest in DIGESTS; in the API it is an object. */
export const DAILY = "daily_at";
const AT_ONCE = "as_it_happens";

/** @type {Record<string, string>} */
export const DIGESTS = {
  [AT_ONCE]: "None: each alert as it happens",
  every_15_minutes: "Every 15 minutes",
  at_close: "At the close",
  until_open: "Outside trading hours, at the open",
  [DAILY]: "Daily at a time",
};

/** @type {Record<string, string>} */
const DIGEST_TEXTS = {
  [AT_ONCE]: "",
  every_15_minutes: "digest every 15 minutes",
  at_close: "digest at the close",
  until_open: "outside trading hours, digest at the open",
};

/** @param {string} day @returns {string} Mon */
export const dayText = (day) => day.charAt(0).toUpperCase() + day.slice(1);

/** @param {string[]} days of the week @returns {string} "every day", "Mon to Fri", "Mon, Wed" */
export function daysText(days) {
  if (days.length === DAYS.length) return "every day";
  /** @type {string[][]} days in a row */
  const runs = [];
  DAYS.forEach((day, i) => {
    if (!days.includes(day)) return;
    if (i && days.includes(DAYS[i - 1])) runs[runs.length - 1].push(day);
    else runs.push([day]);
  });
  return runs
    .map((run) => run.map(dayText))
    .flatMap((run) => (run.length > 2 ? `${run[0]} to ${run[run.length - 1]}` : run))
    .join(", ");
}

/** @param {QuietHours} hours @returns {string} 22:00 to 07:00 Europe/Berlin, Mon to Fri */
function hoursText({ days, start, end, time_zone }) {
  const times = start === end ? `24 hours from ${start}` : `${start} to ${end}`;
  return `${times} ${time_zone}, ${daysText(days)}`;
}

/**
 * @param {Partial<Holding>} channel
 * @returns {string} "at most 5 in 10 minutes; digest at the close; quiet 22:00 to 07:00 …"; "" if
 *   it holds nothing back
 */
export function holdingText({ limit, digest, quiet_hours }) {
  const minutes = limit?.minutes === 1 ? "minute" : "minutes";
  return [
    limit && `at most ${limit.messages} in ${limit.minutes} ${minutes}`,
    typeof digest === "string"
      ? (DIGEST_TEXTS[digest] ?? `digest ${digest.replaceAll("_", " ")}`)
      : digest && `digest daily at ${digest.daily_at} ${digest.time_zone}`,
    quiet_hours?.length && `quiet ${quiet_hours.map(hoursText).join(" and ")}`,
  ]
    .filter(Boolean)
    .join("; ");
}

/**
 * @param {{limited: boolean, messages: string, minutes: string, digest: string, daily_at: string,
 *   time_zone: string, quiet: QuietHours[]}} form its values; digest: a key of DIGESTS
 * @returns {Holding} as the API accepts it; null for what is off
 */
export const holdingOf = ({ limited, messages, minutes, digest, daily_at, time_zone, quiet }) => ({
  limit: limited ? { messages: Number(messages), minutes: Number(minutes) } : null,
  digest: digest === DAILY ? { daily_at, time_zone } : digest === AT_ONCE ? null : digest,
  quiet_hours: quiet.length ? quiet : null,
});

/**
 * @param {Holding} given @param {Partial<Holding>} before as the API shows it
 * @returns {Partial<Holding>} the fields that differ: a PUT keeps the others
 */
export function changesOf(given, before) {
  const { limit, digest, quiet_hours } = before;
  /** @type {Record<string, any>} */
  const known = {
    limit: limit ?? null,
    digest: digest === AT_ONCE ? null : (digest ?? null),
    quiet_hours: quiet_hours?.length ? quiet_hours : null,
  };
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name]),
    ),
  );
}

/**
 * Find the quiet hours that the API refused: it names the field and the value, not the position.
 * @param {{field: string, value: string}} refused such as quiet_hours.time_zone
 * @param {QuietHours[]} quiet as they were sent
 * @returns {number} position in `quiet`; -1 if the refusal is about all of them
 */
export function refusedHours({ field, value }, quiet) {
  const name = /** @type {keyof QuietHours | undefined} */ (field.split(".")[1]);
  if (!name) return -1;
  return quiet.findIndex((hours) => (name === "days" ? !hours.days.length : hours[name] === value));
}
