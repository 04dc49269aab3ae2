// Keeps the API's alerts and rules in the store. Fetches them at intervals, and soon after a quote
// shows a new alert.

import { ApiError } from "./api.js";
import { changingSince } from "./data/fired.js";
import { serverNow } from "./server_clock.js";

const EVERY = 20; // polls between two fetches
/** Polls to wait after a quote shows a new alert: the alert is recorded just after its quote. */
const AFTER = 2;
/** The most alerts that the store keeps. */
export const KEPT = 200;

/** @typedef {import("./store.js").Store} Store */

export class AlertsFeed {
  /** @param {import("./api.js").Api} api @param {Store} store */
  constructor(api, store) {
    this.api = api;
    this.store = store;
    this.polls = 0;
    this.left = 0;
    this.fired = "";
    this.fromScratch = true;
    /** @type {Promise<Set<string>> | null} */
    this.routes = null;
    store.watch(["link", "chartState"], ({ link, chartState, quotes }) => {
      if (link.state !== "live" || chartState === "loading") return;
      const fired = Array.from(quotes.values(), ({ alertedAt }) => alertedAt).join();
      if (fired !== this.fired) this.left = AFTER;
      this.fired = fired;
      if (this.left-- > 0 || this.polls-- <= 0) void this.refresh();
    });
    // A system that did not answer may have restarted with other data.
    store.when(
      ({ link }) => link.state === "retrying",
      (away) => away && (this.fromScratch = true),
    );
    store.when(
      ({ view }) => view.symbol,
      () => {
        store.set({ symbolAlerts: [], preview: [] });
        this.polls = 0;
      },
    );
  }

  /** Fetch alerts and rules now. */
  async refresh() {
    this.polls = EVERY;
    await Promise.all([this.#keep("alerts", () => this.#recent()), this.#symbol(), this.rules()]);
  }

  /**
   * Fetch the alerts of the API's default range (31 days) once. Later fetch only the alerts since
   * yesterday, or since the oldest one that a channel holds.
   */
  async #recent() {
    const known = this.store.state.alerts;
    if (!known || this.fromScratch) {
      const all = await this.api.alerts({ sort: "desc", limit: KEPT });
      this.fromScratch = false;
      return all;
    }
    const start = new Date(changingSince(known, serverNow())).toISOString().slice(0, 10);
    const newest = await this.api.alerts({ sort: "desc", limit: KEPT, start });
    const ids = new Set(newest.map((alert) => alert.id));
    return [...newest, ...known.filter((alert) => !ids.has(alert.id))].slice(0, KEPT);
  }

  async rules() {
    await this.#keep("rules", async () => {
      this.routes ??= this.api.routes().catch((error) => {
        this.routes = null;
        throw error;
      });
      return (await this.routes).has("/rules") ? this.api.rules() : null;
    });
  }

  async #symbol() {
    const { symbol } = this.store.state.view;
    if (symbol)
      await this.#keep(
        "symbolAlerts",
        () => this.api.alerts({ symbol, sort: "desc", limit: KEPT }),
        () => this.store.state.view.symbol === symbol,
      );
  }

  /**
   * Store an answer unless it equals the last one. The feed reports failures of the same API.
   * @param {"alerts" | "rules" | "symbolAlerts"} key
   * @param {() => Promise<any>} ask
   * @param {() => boolean} [still] returns whether the answer is still wanted
   */
  async #keep(key, ask, still = () => true) {
    try {
      const answer = await ask();
      if (still() && JSON.stringify(answer) !== JSON.stringify(this.store.state[key]))
        this.store.set({ [key]: answer });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
