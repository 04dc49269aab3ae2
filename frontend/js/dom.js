// Building elements. Text goes in as text nodes: nothing from outside is ever parsed as HTML.

/**
 * @param {string} tag "div", or "div.class.other"
 * @param {Record<string, any>} [properties] `on…` become listeners, `data-…`, `aria-…` and `role` attributes
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) assign(node, key, value);
  node.append(...children.filter((child) => child != null && child !== false).map((child) => /** @type {Node | string} */ (child)));
  return node;
}

/** @param {HTMLElement} node @param {string} key @param {any} value */
function assign(node, key, value) {
  if (value == null || value === false) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key.includes("-") || ["role", "for", "list", "scope", "colspan"].includes(key)) node.setAttribute(key, value === true ? "" : String(value));
  else /** @type {any} */ (node)[key] = value;
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T} throws when the page has no such element: the page and its scripts belong together
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no element #${id}`);
  return /** @type {T} */ (node);
}

/** Change text only where it differs: an unchanged node is not painted again. @param {Element} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
