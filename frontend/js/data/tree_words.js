// The tree form of a condition as JSON: positions of its nodes in the text, and completion. Pure.

import { matching } from "./formula_words.js";

/** @typedef {import("./formula_words.js").Completion} Completion */
/** @typedef {import("./formula_words.js").Words} Words */

const DEEPEST = 40;
const WIDTH = 64; // characters of a line
const TOKEN = /"(?:[^"\\\n]|\\.)*"|[,:{}[\]]|[^\s",:{}[\]]+|"/g;

const OPS = {
  above: "left is above right",
  below: "left is below right",
  at_least: "left is at least right",
  at_most: "left is at most right",
  crosses_above: "left crosses above right",
  crosses_below: "left crosses below right",
  enters: "`of` enters the range from low to high",
  leaves: "`of` leaves the range from low to high",
  all: "all conditions of the list `of`",
  any: "at least one condition of the list `of`",
  not: "the opposite of the condition `of`",
  for: "`of` is true at each of the last `bars`",
  within: "`of` is true at one of the last `bars`",
  plus: "left + right",
  minus: "left - right",
  times: "left * right",
  over: "left / right",
};

const KEYS = {
  op: "what a condition does",
  of: "its conditions, its value or its price",
  left: "the left value",
  right: "the right value",
  low: "the lower end",
  high: "the upper end",
  bars: "how many bars",
  value: "the name of a value",
  window: "bars of a value",
  interval: "the interval of its bars",
  symbol: "its symbol",
  ago: "bars back",
};

/** A syntax error in the text of a tree. */
export class TreeError extends Error {
  /** @param {string} message @param {number} at its position in the text */
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

/** Parses JSON and records the position of each node. */
class Reader {
  /** @param {string} text */
  constructor(text) {
    this.end = text.length;
    this.tokens = [...text.matchAll(TOKEN)].map((match) => ({ text: match[0], at: match.index }));
    this.next = 0;
    /** @type {Map<string, number>} */
    this.places = new Map();
  }

  /** @param {string} wanted what would be allowed @returns {never} */
  #refuse(wanted) {
    const token = this.tokens[this.next];
    const found = token ? `'${token.text}'` : "the end";
    throw new TreeError(`${found} is not allowed; allowed: ${wanted}`, token?.at ?? this.end);
  }

  /** @param {string} sign is skipped if it comes next @returns {boolean} whether it did */
  #took(sign) {
    const found = this.tokens[this.next]?.text === sign;
    if (found) this.next += 1;
    return found;
  }

  /**
   * @param {string} path of the node @param {number} depth
   * @returns {any}
   */
  value(path, depth = 0) {
    const token = this.tokens[this.next];
    this.places.set(path, token?.at ?? this.end);
    if (depth > DEEPEST) this.#refuse(`at most ${DEEPEST} levels`);
    if (this.#took("{")) return this.#object(path, depth);
    if (this.#took("[")) return this.#list(path, depth);
    return this.#scalar('a number, a text in double quotes, "{" or "["');
  }

  /** @param {string} wanted @returns {any} */
  #scalar(wanted) {
    const token = this.tokens[this.next];
    if (!token) this.#refuse(wanted);
    try {
      const found = JSON.parse(token.text);
      this.next += 1;
      return found;
    } catch {
      return this.#refuse(wanted);
    }
  }

  /** @param {string} path @param {number} depth */
  #object(path, depth) {
    /** @type {[string, any][]} */
    const found = [];
    if (this.#took("}")) return {};
    do {
      const at = this.tokens[this.next]?.at;
      if (!this.tokens[this.next]?.text.startsWith('"')) this.#refuse("a name in double quotes");
      const name = this.#scalar("a name in double quotes");
      if (!this.#took(":")) this.#refuse("a colon");
      found.push([name, this.value(`${path}.${name}`, depth + 1)]);
      this.places.set(`${path}.${name} name`, at);
    } while (this.#took(","));
    if (!this.#took("}")) this.#refuse('a comma or "}"');
    return Object.fromEntries(found);
  }

  /** @param {string} path @param {number} depth */
  #list(path, depth) {
    /** @type {any[]} */
    const found = [];
    if (this.#took("]")) return found;
    do {
      found.push(this.value(`${path}[${found.length}]`, depth + 1));
    } while (this.#took(","));
    if (!this.#took("]")) this.#refuse('a comma or "]"');
    return found;
  }

  finish() {
    if (this.next < this.tokens.length) this.#refuse("the end");
  }
}

/**
 * @param {string} text
 * @returns {{tree: any, places: Map<string, number>}} places: positions of nodes by path, such as
 *   `when.of[0].left`. Throws TreeError
 */
export function readTree(text) {
  const reader = new Reader(text);
  const tree = reader.value("when");
  reader.finish();
  return { tree, places: reader.places };
}

/**
 * @param {Map<string, number>} places @param {string} path that the API names
 * @returns {number} the position of the node, or of its nearest ancestor in the text
 */
export function placeOfPath(places, path) {
  for (let at = path; at; at = at.replace(/(\.\w+|\[\d+\]|\w+)$/, "")) {
    const found = places.get(at);
    if (found !== undefined) return found;
  }
  return 0;
}

/** @param {string} text @param {number} at @returns {string} "line 2, column 5", "column 5" */
export function placeText(text, at) {
  const lines = text.slice(0, at).split("\n");
  const column = `column ${(lines.at(-1) ?? "").length + 1}`;
  return text.includes("\n") ? `line ${lines.length}, ${column}` : column;
}

/**
 * @param {any} node of a tree @param {string} [indent]
 * @returns {string} JSON in which short nodes take one line
 */
export function treeText(node, indent = "") {
  const line = JSON.stringify(node, null, 1)
    .replace(/\n\s*/g, " ")
    .replace(/([[{]) | (?=[\]}])/g, "$1");
  if (line.length + indent.length <= WIDTH || typeof node !== "object") return line;
  const inner = `${indent}  `;
  const parts = Array.isArray(node)
    ? node.map((one) => treeText(one, inner))
    : Object.entries(node).map(([name, one]) => `"${name}": ${treeText(one, inner)}`);
  const [open, close] = Array.isArray(node) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

/**
 * @param {Words} words @param {string} text JSON @param {number} at the cursor
 * @returns {Completion} what the quoted text at the cursor may be
 */
export function treeCompletionsAt(words, text, at) {
  const found = /"(?:(\w+)"\s*:\s*")?([^"\n]*)$/.exec(text.slice(0, at));
  if (!found) return { from: at, to: at, options: [] };
  const [, key, typed] = found;
  const named = (/** @type {Record<string, string>} */ all) =>
    Object.entries(all).map(([label, about]) => ({ label, about, insert: label }));
  const plain = (/** @type {string[]} */ all) =>
    all.map((label) => ({ label, about: "", insert: label }));
  const prices = words.values.find(({ of }) => of.length)?.of ?? [];
  const known = /** @type {Record<string, import("./formula_words.js").Option[]>} */ ({
    op: named(OPS),
    value: words.values.map(({ name, about }) => ({ label: name, about, insert: name })),
    interval: plain(words.intervals),
    symbol: plain(words.symbols),
    of: plain(prices),
  });
  const names = /[,{]\s*$/.test(text.slice(0, found.index)) ? named(KEYS) : [];
  const options = matching(key ? (known[key] ?? []) : names, typed);
  return { from: at - typed.length, to: at, options };
}
