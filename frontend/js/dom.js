// Builds elements. Text is added as text nodes: no outside data is parsed as HTML.

/**
 * @param {string} tag "div", or "div.class.other"; "button" has type "button" by default
 * @param {Record<string, any>} [properties] `on…` become listeners; `data-…`, `aria-…`, `role` and
 *   a few others, attributes
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  if (name === "button") node.setAttribute("type", name);
  for (const [key, value] of Object.entries(properties)) assign(node, key, value);
  node.append(
    ...children
      .filter((child) => child != null && child !== false)
      .map((child) => /** @type {Node | string} */ (child)),
  );
  return node;
}

/** @param {HTMLElement} node @param {string} key @param {any} value */
function assign(node, key, value) {
  if (value == null || value === false) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key.includes("-") || ["role", "for", "list", "scope", "colspan"].includes(key))
    node.setAttribute(key, value === true ? "" : String(value));
  else /** @type {any} */ (node)[key] = value;
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T} throws if the page lacks the element
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no element #${id}`);
  return /** @type {T} */ (node);
}

/**
 * Set text only if it differs, so that an unchanged node is not repainted.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Make `nodes` the children of a parent with few moves. A node that stays keeps its focus and a
 * press in progress; a moved node gets its focus back.
 * @param {HTMLElement} parent @param {HTMLElement[]} nodes
 */
export function arrange(parent, nodes) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const wanted = new Set(nodes);
  for (const child of /** @type {HTMLElement[]} */ ([...parent.children]))
    if (!wanted.has(child)) child.remove();
  nodes.forEach(
    (node, i) =>
      parent.children[i] !== node && parent.insertBefore(node, parent.children[i] ?? null),
  );
  if (focused !== document.activeElement && parent.contains(focused))
    focused?.focus({ preventScroll: true });
}

/**
 * Restart the animation that a class has.
 * @param {HTMLElement} node
 * @param {string} name
 */
export function flash(node, name) {
  node.classList.remove(name);
  requestAnimationFrame(() => node.classList.add(name));
}

/**
 * Show on a button that its work is in progress, and ignore further presses until the end. The
 * button keeps the focus, which a disabled button would lose.
 * @param {HTMLElement} button
 * @param {string} text shown meanwhile
 * @param {() => Promise<unknown>} work
 */
export async function busy(button, text, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  const label = button.textContent ?? "";
  button.setAttribute("aria-busy", "true");
  button.textContent = text;
  try {
    await work();
  } finally {
    button.setAttribute("aria-busy", "false");
    if (button.textContent === text) button.textContent = label;
  }
}

/**
 * Disable a control with a reason, or enable it.
 * @param {HTMLElement} control a button, select or input
 * @param {string} reason "" to enable
 */
export function disable(control, reason) {
  /** @type {HTMLButtonElement} */ (control).disabled = reason !== "";
  control.title = reason;
}
