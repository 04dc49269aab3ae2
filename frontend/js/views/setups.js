// Known set-ups as rules: each can be previewed on the open symbol, armed, or edited first.
// Loaded on first use.

import { busy, el } from "../dom.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";
import { editRule } from "./rule_editor.js";

/** @typedef {import("./rule_editor.js").Context} Context */
/** @typedef {{name: string, about: string, interval: string, when: string}} Setup */

/** @param {Context} context @param {string} symbol */
export async function openSetups(context, symbol) {
  const answer = await fetch("setups.json").catch(() => null);
  /** @type {Setup[]} */
  const setups = answer?.ok ? await answer.json() : [];
  const { dialog } = openDialog(`Set-ups for ${symbol}`, [
    el("p", {}, setups.length ? "" : "The set-ups could not be loaded."),
    el("ul.list", {}, ...setups.map((one) => entry(context, symbol, one, () => dialog.close()))),
  ]);
}

/**
 * @param {Context} context @param {string} symbol @param {Setup} setup
 * @param {() => void} close of the dialog
 */
function entry(context, symbol, setup, close) {
  const { name, about, interval, when } = setup;
  const rule = {
    symbol,
    condition: "when",
    when,
    interval,
    trigger: "every_time",
    enabled: true,
    notify: true,
  };
  const said = el("p", { role: "status" });
  /** @param {string} label @param {() => Promise<string>} act */
  const button = (label, act) => {
    const node = el(
      "button.button",
      { "aria-label": `${label}: ${name}`, onclick: () => void busy(node, "…", () => tell(act)) },
      label,
    );
    return node;
  };
  /** @param {() => Promise<string>} act */
  const tell = async (act) => {
    try {
      said.textContent = await act();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      said.textContent = error.message;
    }
  };
  const arm = async () => {
    await withToken("write:rules", () => context.api.createRule(rule));
    await context.saved();
    return "Armed.";
  };
  const edit = async () => {
    close();
    editRule(context, rule);
    return "";
  };
  return el(
    "li",
    {},
    el("strong", {}, name),
    el("p", {}, about),
    el("code", {}, when),
    el(
      "div.panel-tools",
      {},
      button("Preview", () => context.preview(rule)),
      button("Arm", arm),
      button("Edit", edit),
    ),
    said,
  );
}
