// Formats values. Numbers have a fixed number of decimals per column; times use a named zone.

const MINUS = "\u2212";

/** @type {Map<number, Intl.NumberFormat>} by decimals: to make one takes longer than to format */
const numberFormats = new Map();

/** @param {number} digits */
function numberFormat(digits) {
  let found = numberFormats.get(digits);
  if (!found) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    found = new Intl.NumberFormat("en-US", options);
    numberFormats.set(digits, found);
  }
  return found;
}

/**
 * @param {number} price
 * @returns {number} decimals: two, none from a million on, four below 1, and as many as show three
 *   digits below 0.01
 */
export function placesOf(price) {
  const size = Math.abs(price);
  if (size >= 1) return size < 1e6 ? 2 : 0;
  return size >= 0.01 || !size ? 4 : Math.min(12, 2 + Math.ceil(-Math.log10(size)));
}

/** @param {number | null | undefined} price @param {number} [places] */
export function formatPrice(price, places) {
  if (price == null || !Number.isFinite(price)) return "–";
  return numberFormat(places ?? placesOf(price))
    .format(price)
    .replace("-", MINUS);
}

/**
 * @param {number | null | undefined} value
 * @param {number} [places]
 * @returns {string} with its sign, a true minus sign
 */
export function formatSigned(value, places = 2) {
  if (value == null || !Number.isFinite(value)) return "–";
  const text = formatPrice(Math.abs(value), places);
  if (Number(Math.abs(value).toFixed(places)) === 0) return text;
  return (value < 0 ? MINUS : "+") + text;
}

/** @param {number | null | undefined} percent */
export const formatPercent = (percent) =>
  percent == null || !Number.isFinite(percent) ? "–" : formatSigned(percent) + "%";

/** @param {number | null | undefined} volume @returns {string} 1.23M, 45.1K */
export function formatVolume(volume) {
  if (volume == null || !Number.isFinite(volume)) return "–";
  for (const [size, letter] of /** @type {[number, string][]} */ ([
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ])) {
    if (volume >= size)
      return (
        (volume / size).toFixed(volume >= 100 * size ? 0 : volume >= 10 * size ? 1 : 2) + letter
      );
  }
  return volume.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

/** @param {number} seconds @returns {string} in the largest whole unit: 4 s, 3 min, 2 h, 5 d */
export function formatAge(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

/** @param {"up" | "down" | "flat"} way */
export const arrowOf = (way) => ({ up: "▲", down: "▼", flat: "◆" })[way];

/** @param {number | null | undefined} change @returns {"up" | "down" | "flat"} */
export const wayOf = (change) =>
  change == null || change === 0 ? "flat" : change > 0 ? "up" : "down";

/** @type {Map<string, Intl.DateTimeFormat>} */
const formatters = new Map();

/** @param {string} zone @param {Intl.DateTimeFormatOptions} options */
function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  let found = formatters.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    formatters.set(key, found);
  }
  return found;
}

/** @param {number} time @param {string} zone @returns {string} 14:05 */
export const formatClock = (time, zone) =>
  formatter(zone, { hour: "2-digit", minute: "2-digit" }).format(time);

/** @param {number} time @param {string} zone @returns {string} 14:05:09 */
export const formatSeconds = (time, zone) =>
  formatter(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(time);

/** @param {number} time @param {string} zone @returns {string} 20 Nov 2026 */
export const formatDate = (time, zone) =>
  formatter(zone, { day: "numeric", month: "short", year: "numeric" }).format(time);

/** @param {number} time @param {string} zone @returns {string} Fri 20 Nov */
export const formatDay = (time, zone) =>
  formatter(zone, { weekday: "short", day: "numeric", month: "short" })
    .format(time)
    .replace(",", "");

/**
 * @param {number} time
 * @param {string} zone
 * @param {boolean} dated true for a bar labelled by a date
 * @returns {string} Fri 20 Nov 14:05, or 20 Nov 2026
 */
export const formatBarTime = (time, zone, dated) =>
  dated ? formatDate(time, "UTC") : `${formatDay(time, zone)} ${formatClock(time, zone)}`;

/**
 * @param {string} zone
 * @param {number} time
 * @returns {string} GMT-5, EST, UTC: the zone's short name at that time
 */
export function zoneName(zone, time) {
  const parts = formatter(zone, { timeZoneName: "short" }).formatToParts(time);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** @returns {string} the reader's own IANA zone */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** @type {Set<string>} */
const knownZones = new Set();

/**
 * @param {string | null | undefined} zone
 * @returns {string} the zone if the browser knows it, else UTC
 */
export function knownZone(zone) {
  if (!zone) return "UTC";
  if (knownZones.has(zone)) return zone;
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    knownZones.add(zone);
    return zone;
  } catch (error) {
    if (error instanceof RangeError) return "UTC";
    throw error;
  }
}
