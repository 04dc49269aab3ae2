// Describes why a condition is refused: a position in its text, and a sentence. Pure.

import { TreeError, placeOfPath, placeText, readTree } from "./tree_words.js";

/** @typedef {import("../views/formula_box.js").Fault} Fault */
/**
 * @param {Error | null} refused a TreeError, or an ApiError that names the field
 * @param {string} text @param {"text" | "tree"} form of the text
 * @returns {Fault | null} null if nothing is wrong with the condition itself
 */
export function faultOf(refused, text, form) {
  if (!refused) return null;
  if (refused instanceof TreeError) return fault(text, refused.at, refused.message);
  const named = /** @type {import("../api.js").ApiError} */ (refused).fields?.[0];
  const column = /^when, column (\d+): (.*)$/s.exec(named?.detail ?? "");
  if (column) return fault(text, Number(column[1]) - 1, column[2]);
  if (!/^when\b/.test(named?.field ?? "")) return null;
  if (form === "text") return { message: refused.message, at: null };
  return fault(text, placeOfPath(readTree(text).places, named.field), refused.message);
}

/** @param {string} text @param {number} at @param {string} message @returns {Fault} */
function fault(text, at, message) {
  const place = placeText(text, at);
  const said = message.replace(/allowed: (\w+)\? One of .*/s, "did you mean $1?");
  return { message: `${place[0].toUpperCase()}${place.slice(1)}: ${said}`, at };
}
