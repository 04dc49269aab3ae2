// Receives pushed prices over AWS AppSync Events' WebSocket and puts them into the store. The feed
// polls once when the socket opens, when a change is missing, and when nothing is pushed for longer
// than usual. It polls all the time while the socket is closed or mute.
// https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html

import { ApiError } from "./api.js";
import { channelOf, orderOf, withChange } from "./data/pushed.js";
import { decodeAlert, decodeQuote } from "./data/wire.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./feed.js").Feed} Feed */
/** @typedef {import("./data/pushed.js").Change} Change */
/** @typedef {import("./loader.js").Loader} Loader */

const PROTOCOL = "aws-appsync-event-ws";
const OPENING = 10e3; // milliseconds for the socket to open and to confirm the subscriptions
const FIRST_RETRY = 1e3;
const LAST_RETRY = 60e3;
/** Milliseconds without a push after which a new price in a poll shows that the socket is mute. */
const MUTE = 1500;

export class Push {
  /**
   * @param {import("./api.js").Api} api
   * @param {Store} store
   * @param {Feed} feed
   */
  constructor(api, store, feed) {
    this.api = api;
    this.store = store;
    this.feed = feed;
    this.taken = Promise.resolve(); // resolves once all events so far are applied
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {any} the API's answer of /push: how to subscribe */
    this.facts = null;
    this.retry = FIRST_RETRY;
    this.timer = 0;
    this.patience = OPENING;
    this.awaited = new Set(); // ids of subscriptions that are not confirmed yet
    this.channels = new Set();
    /** @type {Map<string, {version: number, repairs: number}>} */
    this.known = new Map();
    this.heardAt = 0;
    feed.missed = () => performance.now() - this.heardAt > MUTE && this.#say("mute");
    document.addEventListener("visibilitychange", () =>
      document.hidden ? this.#close("connecting") : this.#open(),
    );
    store.watch(["symbols"], () => this.awaited.size || this.#subscribe());
    if (!document.hidden) void this.#open();
  }

  async #open() {
    clearTimeout(this.timer);
    if (this.socket) return;
    try {
      this.facts = await this.api.request("/push");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.isMissing ? this.#say("off") : this.#close("blocked");
    }
    if (document.hidden || this.socket) return;
    const { socket, authorization } = this.facts;
    const header = btoa(JSON.stringify(authorization)).replace(/[+/=]/g, (letter) =>
      letter === "+" ? "-" : letter === "/" ? "_" : "",
    );
    try {
      this.socket = new WebSocket(socket, [PROTOCOL, `header-${header}`]);
    } catch {
      return this.#close("blocked");
    }
    const opened = this.socket;
    const own = (/** @type {(event: any) => void} */ act) => (/** @type {any} */ event) =>
      opened === this.socket && act(event);
    opened.onopen = own(() => this.#send({ type: "connection_init" }));
    opened.onmessage = own(({ data }) => this.#hear(JSON.parse(data)));
    opened.onclose = own(() => this.#close("blocked"));
    this.patience = OPENING;
    this.#watch();
  }

  /** Close the socket if it receives nothing. */
  #watch() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#close("blocked"), this.patience);
  }

  /** @param {import("./store.js").State["push"]} why */
  #close(why) {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = null;
    socket?.close();
    this.known.clear();
    this.channels.clear();
    this.awaited.clear();
    for (const loader of this.feed.loaders) loader.running = null;
    this.#say(why);
    if (document.hidden) return;
    this.timer = window.setTimeout(() => this.#open(), this.retry * (0.5 + Math.random() / 2));
    this.retry = Math.min(LAST_RETRY, this.retry * 2);
  }

  /** @param {import("./store.js").State["push"]} push */
  #say(push) {
    const was = this.feed.pushed;
    this.feed.pushed = push === "on";
    this.store.set({ push });
    if (was && !this.feed.pushed) this.feed.soon();
  }

  /** @param {any} message */
  #send(message) {
    this.socket?.send(JSON.stringify(message));
  }

  #subscribe() {
    if (this.socket?.readyState !== WebSocket.OPEN || !this.facts) return;
    const { authorization, channels } = this.facts;
    for (const { symbol } of this.store.state.symbols) {
      const channel = channelOf(symbol, channels);
      if (this.channels.has(channel)) continue;
      this.channels.add(channel);
      this.awaited.add(channel);
      this.#send({ type: "subscribe", id: channel, channel, authorization });
    }
  }

  /** @param {any} message */
  #hear(message) {
    if (message.type === "connection_ack") {
      this.patience = message.connectionTimeoutMs || this.patience;
      this.#subscribe();
    } else if (message.type === "subscribe_success") {
      this.awaited.delete(message.id);
      if (!this.awaited.size) this.#begin();
    } else if (message.type === "data") this.#queue(message);
    else if (/error/.test(message.type)) return this.#close("blocked");
    this.#watch();
  }

  /** Poll what was missed before all channels were subscribed. */
  #begin() {
    this.retry = FIRST_RETRY;
    this.heardAt = performance.now();
    this.#say("on");
    this.feed.wake();
  }

  /** Unpack an event at once, and apply it after earlier events. @param {any} message */
  #queue(message) {
    const { socket } = this;
    const unpacked = unpack(message);
    this.taken = this.taken.then(async () => {
      try {
        const changes = await unpacked;
        if (socket === this.socket) this.#take(changes);
      } catch {
        if (socket === this.socket) this.#close("blocked");
      }
    });
  }

  /** Load a chart's newest bars. @param {Loader} loader */
  async #follow(loader) {
    const { series } = loader.store.state;
    if (loader.following || !series) return;
    loader.following = true;
    try {
      await loader.follow(series);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.feed.soon();
    } finally {
      loader.following = false;
    }
  }

  /** @param {Change[]} changes */
  #take(changes) {
    const { state } = this.store;
    const listed = new Set(state.symbols.map(({ symbol }) => symbol));
    const quotes = new Map(state.quotes);
    let isMissing = false;
    /** @type {Change[]} */
    const fresh = [];
    /** @type {import("./types.js").Alert[]} */
    const alerts = [];
    for (const change of changes) {
      const order = orderOf(this.known.get(change.symbol), change);
      if (order === "old") continue;
      this.known.set(change.symbol, { version: change.version, repairs: change.repairs ?? 0 });
      isMissing ||= order === "gap" || !listed.has(change.symbol);
      if (!listed.has(change.symbol)) this.feed.relist();
      const quote = decodeQuote(change.quote);
      if (quote.time < (quotes.get(change.symbol)?.time ?? 0)) continue;
      quotes.set(change.symbol, quote);
      alerts.push(...(change.alerts ?? []).map(decodeAlert));
      fresh.push(change);
    }
    this.heardAt = performance.now();
    if (this.store.state.push === "mute") this.#say("on");
    this.store.set({ quotes, ...withAlerts(state, alerts) });
    for (const loader of this.feed.loaders)
      if (draw(loader, fresh) && !isMissing) void this.#follow(loader);
    this.feed.heard(isMissing || alerts.some(({ quiet }) => !quiet)); // polls show delivery
  }
}

/**
 * Apply changes to a chart if they are of the chart's symbol.
 * @param {Loader} loader @param {Change[]} changes
 * @returns {boolean} whether bars are missing that only the API has
 */
function draw(loader, changes) {
  let { series } = loader.store.state;
  let ask = false;
  for (const change of changes) {
    if (series?.symbol !== change.symbol || series.range === "custom") continue;
    const done = withChange(series, change, loader.running);
    loader.running = done.running;
    series = done.series;
    ask ||= done.ask;
  }
  loader.store.set({ series });
  return ask;
}

/**
 * @param {any} message with an event: Base64 of JSON, compressed in zlib's format
 * @returns {Promise<Change[]>}
 */
async function unpack({ event }) {
  const text = atob(JSON.parse(Array.isArray(event) ? event[0] : event));
  const packed = new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))]);
  const plain = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(plain).json()).changes;
}

/**
 * @param {import("./store.js").State} state @param {import("./types.js").Alert[]} alerts
 * @returns {Partial<import("./store.js").State>} the lists, with new alerts added, newest first
 */
function withAlerts({ alerts: listed, symbolAlerts, view }, alerts) {
  if (!alerts.length || !listed) return {};
  const known = new Set([...listed, ...symbolAlerts].map(({ id }) => id));
  const fresh = alerts.filter(({ id }) => !known.has(id)).reverse();
  const own = fresh.filter(({ symbol }) => symbol === view.symbol);
  return { alerts: [...fresh, ...listed], symbolAlerts: [...own, ...symbolAlerts] };
}
