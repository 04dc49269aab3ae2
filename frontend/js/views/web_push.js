// The button that makes this browser a Web Push channel, and deletes that channel.

import { createChannel, deleteChannel, pushKey, replaceChannel } from "../channel_requests.js";
import { busy, disable, el } from "../dom.js";
import { keep, recall } from "../settings.js";
import { withToken } from "./token_dialog.js";

/** @typedef {import("../types.js").Channel} Channel */

const SCOPE = "write:channels";
const OWN = "device"; // the setting that has the id of this browser's channel

/** @returns {string} why this browser has no Web Push; "" if it has */
function missing() {
  if ("PushManager" in window && "Notification" in window && navigator.serviceWorker) return "";
  return /iPhone|iPad/.test(navigator.userAgent)
    ? "Add the page to the Home Screen first, and open it there."
    : "This browser has no Web Push, or the page is not opened over HTTPS.";
}

/** @param {Channel[]} channels @returns {string} a name for this device that no channel has */
function deviceName(channels) {
  const first = (/** @type {string[]} */ words, /** @type {string} */ other) =>
    words.find((word) => navigator.userAgent.includes(word)) ?? other;
  const browser = first(["Edg", "Firefox", "Chrome"], "Safari").replace("Edg", "Edge");
  const name = `${browser} on ${first(["iPhone", "iPad", "Android", "Windows", "Mac"], "Linux")}`;
  const taken = new Set(channels.map((channel) => channel.name));
  for (let n = 1; ; n++) {
    const numbered = n > 1 ? `${name} ${n}` : name;
    if (!taken.has(numbered)) return numbered;
  }
}

/** @param {string} key in base64url */
const bytesOf = (key) =>
  Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function registered() {
  await navigator.serviceWorker.register("sw.js");
  return navigator.serviceWorker.ready;
}

/** @param {string} key @returns {Promise<PushSubscriptionJSON>} throws an Error for the reader */
async function subscribed(key) {
  try {
    const { pushManager } = await registered();
    await (await pushManager.getSubscription())?.unsubscribe(); // the subscription may have ended
    const given = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
    return (await pushManager.subscribe(given)).toJSON();
  } catch (cause) {
    throw new Error("The browser could not subscribe to its push service. Try again later.", {
      cause,
    });
  }
}

/**
 * Ask for the permission and make this browser a channel, or subscribe it again.
 * @param {import("../api.js").Api} api @param {Channel[]} channels @param {Channel} [own]
 */
async function switchOn(api, channels, own) {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error(
      "Notifications are not allowed. Allow them for this page in the browser's settings.",
    );
  const { public_key: key } = await withToken(SCOPE, () => pushKey(api));
  const subscription = await subscribed(key);
  const name = own?.name ?? deviceName(channels);
  const made = await withToken(SCOPE, () =>
    own
      ? replaceChannel(api, own.channel_id, { name, subscription })
      : createChannel(api, { name, kind: "web_push", default: true, subscription }),
  );
  keep(OWN, { id: made.channel_id });
}

/** @param {import("../api.js").Api} api @param {Channel} own */
async function switchOff(api, own) {
  if (!confirm(`Delete the channel ${own.name}?`)) return; // the channel may be another device's
  await withToken(SCOPE, () => deleteChannel(api, own.channel_id));
  await (await (await registered()).pushManager.getSubscription())?.unsubscribe();
}

/**
 * Create the dialog's button for this device.
 * @param {import("../api.js").Api} api
 * @param {(work: () => Promise<void>) => Promise<void>} attempt runs it, shows its Error, renders
 * @returns {{node: HTMLElement, render: (channels: Channel[]) => void}}
 */
export function deviceSwitch(api, attempt) {
  /** @type {Channel[]} */
  let channels = [];
  const owned = () => {
    const id = recall(OWN, null)?.id; // may be anything: other pages of this origin write here, too
    return channels.find(({ channel_id, kind }) => kind === "web_push" && channel_id === id);
  };
  const button = el("button.button", {
    type: "button",
    onclick: () =>
      void busy(button, "…", () =>
        attempt(() => {
          const own = owned();
          return own && !own.ended ? switchOff(api, own) : switchOn(api, channels, own);
        }),
      ),
  });
  const said = el("small");
  const render = (/** @type {Channel[]} */ found) => {
    channels = found;
    node.hidden = false;
    const own = owned();
    disable(button, missing());
    button.textContent = own && !own.ended ? "Stop on this device" : "Notify this device";
    said.textContent =
      missing() || (own ? "" : "Alerts reach its lock screen even while the page is closed.");
  };
  const node = el("div.device", { hidden: true }, button, said); // until the channels are known
  return { node, render };
}
