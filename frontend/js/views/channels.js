// The dialog of channels, which alerts are sent to: lists, tests, switches, adds and deletes
// channels, and opens the editor of when they send. The API never returns a channel's address.

import {
  allChannels,
  createChannel,
  deleteChannel,
  listChannels,
  replaceChannel,
  testChannel,
} from "../channel_requests.js";
import { holdingText } from "../data/holding.js";
import { busy, el } from "../dom.js";
import { openDialog } from "./dialog.js";
import { withToken } from "./token_dialog.js";
import { deviceSwitch } from "./web_push.js";

/** @typedef {import("../types.js").Channel} Channel */
/** @typedef {import("../api.js").Api} Api */

const SCOPE = "write:channels";
const TOPIC = "sns";

/**
 * @param {string} name @param {string} label @param {Record<string, any>} [more]
 * @returns {[HTMLInputElement, HTMLElement]} the input, and its label
 */
function field(name, label, more = {}) {
  const input = /** @type {HTMLInputElement} */ (
    el("input.input", { name, autocomplete: "off", spellcheck: false, ...more })
  );
  return [input, el("label", {}, el("span", {}, label), input)];
}

/** @param {Channel} channel @returns {string} "Telegram · On · default" */
const about = (channel) =>
  [channel.service, channel.enabled ? "On" : "Off", channel.default ? "default" : ""]
    .filter(Boolean)
    .join(" · ");

const holdingEditor = () =>
  import("./holding_editor.js").catch((cause) => {
    throw new Error("The dialog could not be loaded. Try again.", { cause });
  });

class Channels {
  /** @param {Api} api */
  constructor(api) {
    this.api = api;
    this.list = el("ul.list", { "aria-label": "Channels" });
    this.said = el("p", { role: "status" });
    this.device = deviceSwitch(api, (work) =>
      this.#attempt(async () => {
        await work();
        await this.#render();
      }),
    );
  }

  async open() {
    const [name, named] = field("name", "Name", { required: true, maxLength: 64 });
    const [address, addressed] = field("address", "Address", {
      type: "password",
      required: true,
      placeholder: "tgram://… or https://…",
    });
    const [secret, signed] = field("secret", "Secret that signs messages", {
      type: "password",
      minLength: 16,
    });
    const picture = /** @type {HTMLInputElement} */ (
      el("input", { type: "checkbox", checked: true })
    );
    const pictured = el("label.check", {}, picture, "Pictures of the chart, where supported");
    const timing = this.#newTiming();
    const isWebhook = () => address.value.startsWith("https:");
    const follow = () => {
      signed.hidden = !isWebhook();
      pictured.hidden = isWebhook();
      secret.required = isWebhook();
    };
    address.addEventListener("input", follow);
    follow();
    const hint = "An apprise URL (Telegram, Slack, ntfy, mail …), or https:// for a webhook.";
    const fields = el("div.rows", {}, named, addressed, signed);
    const content = [
      this.list,
      this.device.node,
      this.said,
      fields,
      el("p", {}, hint),
      pictured,
      timing.node,
    ];
    openDialog("Channels", content, {
      submit: "Add channel",
      onsubmit: async () => {
        const own = isWebhook()
          ? { kind: "webhook", secret: secret.value }
          : { kind: "apprise", picture: picture.checked };
        const given = { name: name.value.trim(), address: address.value.trim(), ...own };
        await timing.sending((holding) =>
          withToken(SCOPE, () => createChannel(this.api, { ...given, ...holding })),
        );
      },
    });
    await this.#attempt(() => this.#render());
  }

  /** @param {string} [edited] id of the channel whose timing button gets the focus */
  async #render(edited) {
    const { channels, unreadable = [] } = await allChannels(this.api);
    this.device.render(channels);
    const items = channels.map((channel) => this.#item(channel));
    this.list.replaceChildren(...items, ...unreadable.map((id) => this.#unreadable(id)));
    const button = edited && this.list.querySelector(`[data-timing="${edited}"]`);
    if (button) /** @type {HTMLElement} */ (button).focus();
  }

  /** @param {string} id of a channel that the API cannot read */
  #unreadable(id) {
    const what = `The channel ${id}`;
    const remove = el(
      "button.button.quiet",
      {
        "aria-label": `Delete: ${what}`,
        onclick: () =>
          void busy(remove, "…", () => this.#write(() => deleteChannel(this.api, id), "")),
      },
      "Delete",
    );
    return el(
      "li",
      {},
      el(
        "div.entry.off",
        {},
        el("span.what.wide", {}, what),
        el("small.wide", {}, "cannot be read, and gets no alerts"),
        el("div.controls", {}, remove),
      ),
    );
  }

  /** @param {Channel} channel */
  #item(channel) {
    const button = (
      /** @type {string} */ label,
      /** @type {() => Promise<any>} */ write,
      done = "",
    ) => {
      const node = el(
        "button.button.quiet",
        {
          "aria-label": `${label}: ${channel.name}`,
          onclick: () => void busy(node, "…", () => this.#write(write, done)),
        },
        label,
      );
      return node;
    };
    const { channel_id: id, name, enabled, ended, kind, picture } = channel;
    const put = (/** @type {Partial<Channel>} */ changed) => () =>
      replaceChannel(this.api, id, { name, enabled, ...changed });
    const controls = [
      button("Test", () => testChannel(this.api, id), `A test alert is on its way to ${name}.`),
      ...(ended ? [] : [button(enabled ? "Switch off" : "Switch on", put({ enabled: !enabled }))]),
      button(
        channel.default ? "Remove as default" : "Make default",
        put({ default: !channel.default }),
      ),
    ];
    const holding = holdingText(channel);
    if (kind === "apprise")
      controls.push(button(picture ? "No pictures" : "Pictures", put({ picture: !picture })));
    controls.push(this.#timing(channel));
    if (id !== TOPIC) controls.push(button("Delete", () => deleteChannel(this.api, id)));
    return el(
      "li",
      {},
      el(
        enabled ? "div.entry" : "div.entry.off",
        {},
        el("span.what.wide", {}, name),
        el("small.wide", {}, about(channel)),
        ended && el("small.wide", {}, `Ended: ${ended}`),
        holding && el("small.wide", {}, holding),
        el("div.controls", {}, ...controls),
      ),
    );
  }

  /** Create the button that loads and shows the fields for when a new channel sends. */
  #newTiming() {
    /** @type {ReturnType<typeof import("./holding_editor.js").newHolding> | null} */
    let made = null;
    const show = async () => {
      made = (await holdingEditor()).newHolding();
      node.replaceChildren(...made.content);
      made.content[0].querySelector("input")?.focus();
    };
    const button = el(
      "button.button",
      { onclick: () => void busy(button, "…", () => this.#attempt(show)) },
      "When to send",
    );
    const node = el("div.windows", {}, el("div", {}, button));
    return {
      node,
      sending: (/** @type {(holding: Partial<Channel>) => Promise<any>} */ write) =>
        made ? made.sending(write) : write({}),
    };
  }

  /** @param {Channel} channel @returns {HTMLElement} a button that edits when it sends */
  #timing(channel) {
    const { channel_id: id, name } = channel;
    const node = el(
      "button.button.quiet",
      {
        "aria-label": `When to send: ${name}`,
        "data-timing": id,
        onclick: () => void busy(node, "…", () => this.#attempt(() => this.#editHolding(channel))),
      },
      "When to send",
    );
    return node;
  }

  /** @param {Channel} channel */
  async #editHolding(channel) {
    const { closed } = (await holdingEditor()).editHolding(this.api, channel, SCOPE);
    void closed.then(async (saved) => {
      if (saved) await this.#attempt(() => this.#render(channel.channel_id));
    });
  }

  /** @param {() => Promise<any>} write @param {string} done the message on success */
  async #write(write, done) {
    await this.#attempt(async () => {
      await withToken(SCOPE, write);
      await this.#render();
      this.said.textContent = done;
    });
  }

  /** Run `work`, and show its Error in the dialog. @param {() => Promise<void>} work */
  async #attempt(work) {
    this.said.textContent = "";
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.said.textContent = error.message;
    }
  }
}

/** @param {Api} api */
export const openChannels = (api) => new Channels(api).open();

/**
 * Create checkboxes for the channels of a rule. A rule with none uses the default channels.
 * @param {Api} api
 * @param {string[]} chosen ids
 * @returns {{node: HTMLElement, ids: () => string[]}} ids: of the checked channels
 */
export function channelTicks(api, chosen) {
  const ids = new Set(chosen);
  const node = el("fieldset.rows", { hidden: true });
  const box = (/** @type {Channel} */ channel) => {
    const input = /** @type {HTMLInputElement} */ (
      el("input", {
        type: "checkbox",
        checked: ids.has(channel.channel_id),
        onchange: () =>
          input.checked ? ids.add(channel.channel_id) : ids.delete(channel.channel_id),
      })
    );
    return el("label.check", {}, input, channel.name);
  };
  void listChannels(api).then(
    (channels) => {
      const known = channels.map((channel) => channel.channel_id);
      for (const id of [...ids]) if (!known.includes(id)) ids.delete(id);
      node.append(
        el("legend", {}, "Send to (none checked: the default channels)"),
        ...channels.map(box),
      );
      node.hidden = channels.length < 2;
    },
    () => {}, // the rule keeps the channels that it has
  );
  return { node, ids: () => [...ids] };
}
