// Modal dialogs with <dialog>: the browser traps and restores the focus.

import { el } from "../dom.js";

let dialogs = 0;

/**
 * @param {string} title @param {Node[]} content
 * @param {{submit?: string, onsubmit?: (form: HTMLFormElement) => Promise<void>, extra?: Node[]}}
 *   action without `submit` the dialog has only a Close button; an Error from `onsubmit` keeps it
 *   open and shows its message
 * @returns {{dialog: HTMLDialogElement, form: HTMLFormElement, problem: HTMLElement, closed:
 *   Promise<boolean>}} closed: whether it was submitted
 */
export function openDialog(title, content, { submit, onsubmit, extra = [] } = {}) {
  const heading = el("h2", { id: `dialog-${(dialogs += 1)}` }, title);
  const problem = el("p.problem", { role: "alert" });
  const go = /** @type {HTMLButtonElement} */ (
    el("button.button.primary", { type: "submit" }, submit)
  );
  const cancel = el(
    "button.button",
    { onclick: () => dialog.close() },
    submit ? "Cancel" : "Close",
  );
  const form = /** @type {HTMLFormElement} */ (
    el(
      "form",
      { noValidate: false },
      heading,
      ...content,
      problem,
      el("div.actions", {}, ...extra, cancel, ...(submit ? [go] : [])),
    )
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    el("dialog", { "aria-labelledby": heading.id }, form)
  );
  let done = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = "";
    try {
      await onsubmit?.(form);
      done = true;
      dialog.close();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problem.textContent = error.message;
    } finally {
      go.disabled = false;
    }
  });
  const closed = new Promise((/** @type {(submitted: boolean) => void} */ resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, form, problem, closed };
}
