// Completion of conditions: the words that may follow at a position, and their meaning. Pure.

/**
 * @typedef {object} Value
 * @property {string} name
 * @property {string} about a sentence that describes it
 * @property {string[]} of the prices that it may be computed from; empty if there is no choice
 * @property {boolean} mustChoose whether one of them has to be named
 * @property {{name: string, usual: number | null}[]} numbers
 */
/** @typedef {{values: Value[], intervals: string[], symbols: string[]}} Words */
/**
 * A completion. `select`: the part of `insert` that is selected afterwards, by default its end.
 * @typedef {{label: string, about: string, insert: string, select?: [number, number]}} Option
 */
/** @typedef {{from: number, to: number, options: Option[]}} Completion replaces `from` to `to` */

const MOST = 12;
const NUMERIC = ["integer", "number"];

/** @type {[string, string][]} */
const JOINS = [
  ["crosses above", "is above now, and was not at the bar before"],
  ["crosses below", "is below now, and was not at the bar before"],
  ["above", "the same as >"],
  ["below", "the same as <"],
  ["enters", "is inside a range now, and was not at the bar before"],
  ["leaves", "is outside a range now, and was inside at the bar before"],
  ["and", "both conditions"],
  ["or", "either condition"],
  ["for 3 bars", "true at each of the last bars"],
  ["within 3 bars", "true at one of the last bars"],
];

/**
 * @param {any} document the API's OpenAPI document
 * @param {string[]} symbols of the watch-list
 * @returns {Words} without values if the document has no conditions
 */
export function wordsOf(document, symbols) {
  const schemas = document.components?.schemas?.WhenValue?.oneOf ?? [];
  const found = schemas.filter((/** @type {any} */ one) => one.properties?.value);
  const values = found.map((/** @type {any} */ { description, properties, required }) => ({
    name: properties.value.const,
    about: description,
    of: properties.of?.enum ?? [],
    mustChoose: required.includes("of"),
    numbers: Object.entries(properties)
      .filter(([name, { type }]) => NUMERIC.includes(type) && name !== "ago")
      .map(([name, schema]) => ({ name, usual: schema.default ?? null })),
  }));
  return { values, intervals: found[0]?.properties.interval.enum ?? [], symbols };
}

/** @param {Value} value @returns {string} `rsi(14)`, `sma(window)`, `mean(volume, window)` */
export function signatureOf({ name, mustChoose, numbers }) {
  const given = numbers.map((one) => String(one.usual ?? one.name));
  const all = mustChoose ? ["volume", ...given] : given;
  return all.length ? `${name}(${all.join(", ")})` : name;
}

/** @param {Value} value @returns {Option} whose number is selected, or replaced by the cursor */
function optionOf(value) {
  const { name, about, numbers, mustChoose } = value;
  const label = signatureOf(value);
  if (numbers.length !== 1) return { label, about, insert: name };
  const number = String(numbers[0].usual ?? "");
  const insert = `${name}(${mustChoose ? "volume, " : ""}${number})`;
  const start = insert.length - 1 - number.length;
  return { label, about, insert, select: [start, start + number.length] };
}

/** @param {string} symbol @returns {string} quoted unless it is a plain word */
export const symbolText = (symbol) => (/^[A-Z][A-Z0-9]*$/.test(symbol) ? symbol : `"${symbol}"`);

/**
 * @param {string} text before the word at the cursor
 * @returns {{before: string[], open: {name: string, commas: number}[]}} its tokens in lower case;
 *   the open brackets, each with the word before it and the commas in it
 */
function contextOf(text) {
  const before = text.match(/"[^"\n]*"?|[A-Za-z0-9_.]+|<=|>=|\S/g) ?? [];
  /** @type {{name: string, commas: number}[]} */
  const open = [];
  before.forEach((token, i) => {
    if (token === "(") open.push({ name: (before[i - 1] ?? "").toLowerCase(), commas: 0 });
    else if (token === ")") open.pop();
    else if (token === "," && open.length) open[open.length - 1].commas += 1;
  });
  return { before: before.map((token) => token.toLowerCase()), open };
}

const STARTS = ["(", "and", "or", "not"];
const SIGNS = [
  ">",
  "<",
  ">=",
  "<=",
  "+",
  "-",
  "*",
  "/",
  "above",
  "below",
  "enters",
  "leaves",
  "to",
];

/**
 * @param {Words} words @param {Value} value @param {number} commas before the cursor
 * @returns {Option[]} the arguments that the value accepts there
 */
function argumentsOf({ intervals, symbols }, value, commas) {
  const plain = (/** @type {string} */ about) => (/** @type {string} */ text) => ({
    label: text,
    about,
    insert: text,
  });
  return [
    ...(commas ? [] : value.of.map(plain("a price of the bar"))),
    ...intervals.map(plain("the interval of its bars")),
    ...symbols.map((symbol) => ({ ...plain("its symbol")(symbolText(symbol)), label: symbol })),
  ];
}

/** @param {Words} words @param {string} text before the word @returns {Option[]} */
function allowedAfter(words, text) {
  const { before, open } = contextOf(text);
  const last = before.at(-1) ?? "(";
  const inside = words.values.find(({ name }) => name === open.at(-1)?.name);
  if (inside)
    return ["(", ","].includes(last) ? argumentsOf(words, inside, open.at(-1)?.commas ?? 0) : [];
  const word = (/** @type {[string, string]} */ [label, about]) => ({
    label,
    about,
    insert: `${label} `,
    ...(/\d/.test(label)
      ? { select: /** @type {[number, number]} */ ([label.indexOf("3"), label.indexOf("3") + 1]) }
      : {}),
  });
  if (last === "crosses") return [word(["above", ""]), word(["below", ""])];
  if (last === "[" || last === "for" || last === "within") return [];
  if (/^\d+$/.test(last) && ["for", "within"].includes(before.at(-2) ?? ""))
    return [word(["bars", "the bars of the rule, or ticks"])];
  const begins = STARTS.includes(last);
  if (begins || SIGNS.includes(last))
    return [
      ...words.values.map(optionOf),
      ...(begins ? [word(["not", "the opposite of the condition"])] : []),
    ];
  const range = before.findLastIndex((token) => ["enters", "leaves"].includes(token));
  const needsTo = range >= 0 && !before.slice(range).some((token) => /^(to|and|or)$/.test(token));
  /** @type {[string, string][]} */
  const to = [["to", "the upper end of the range"]];
  return (needsTo ? to : JOINS).map(word);
}

/**
 * @param {Option[]} options @param {string} typed
 * @returns {Option[]} at most MOST: labels that begin with the typed text, then descriptions with a
 *   word that does; none if the only one is already typed
 */
export function matching(options, typed) {
  const wanted = typed.toLowerCase();
  const begins = options.filter(({ label }) => label.toLowerCase().startsWith(wanted));
  const about = options.filter(
    (one) =>
      !begins.includes(one) &&
      wanted.length > 2 &&
      ` ${one.about.toLowerCase()}`.includes(` ${wanted}`),
  );
  const found = [...begins, ...about].slice(0, MOST);
  return found.length === 1 && found[0].insert.trim() === typed ? [] : found;
}

/**
 * @param {Words} words @param {string} text @param {number} at the cursor
 * @returns {Completion} what may be written there
 */
export function completionsAt(words, text, at) {
  const until = text.slice(0, at);
  const quoted = /"([^"\n]*)$/.exec(until);
  if (quoted && (until.match(/"/g) ?? []).length % 2) {
    const symbols = words.symbols.map((symbol) => ({
      label: symbol,
      about: "its symbol",
      insert: symbolText(symbol),
    }));
    const to = text[at] === '"' ? at + 1 : at;
    return { from: quoted.index, to, options: matching(symbols, quoted[1]) };
  }
  const typed = /[A-Za-z0-9_]*$/.exec(until)?.[0] ?? "";
  const from = at - typed.length;
  return { from, to: at, options: matching(allowedAfter(words, text.slice(0, from)), typed) };
}

/**
 * @param {Words} words @param {string} text @param {number} at the cursor
 * @returns {string} signature and description of the value at the cursor; "" if there is none
 */
export function hintAt(words, text, at) {
  const word = /[A-Za-z0-9_]*/.exec(text.slice(at))?.[0] ?? "";
  const { before, open } = contextOf(text.slice(0, at) + word);
  const name = open.at(-1)?.name || before.at(-1);
  const value = words.values.find((one) => one.name === name);
  if (!value) return "";
  const numbers = value.numbers.map(({ name: number, usual }) =>
    usual === null ? number : `${number} ${usual}`,
  );
  const given = [...(value.of.length ? ["price"] : []), ...numbers, "interval", "symbol"];
  return `${value.name}(${given.join(", ")}): ${value.about}`;
}
