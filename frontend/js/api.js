// Sends requests to the API and decodes its answers. Every GET is sent with cache "no-cache": the
// browser keeps the last answer, sends If-None-Match, and a 304 costs a few bytes.

import { observe } from "./server_clock.js";
import { takeEarly } from "./config.js";
import { decodeAlert, decodeBars, decodePoint, decodeQuote } from "./data/wire.js";

/** The API answered with an error, or not at all (status 0). `fields`: those that it refused. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {{field: string, detail: string, value: string}[]} [fields]
   * @param {number} [retryAfter] seconds
   */
  constructor(status, message, fields = [], retryAfter = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /** @returns {boolean} true if the API lacks the resource */
  get isMissing() {
    return this.status === 404 || this.status === 405 || this.status === 501;
  }

  /** @returns {boolean} true if a token, or a different one, is required */
  get isRefusal() {
    return isRefusal(this.status);
  }
}

/** @param {number} status */
const isRefusal = (status) => status === 401 || status === 403;

/**
 * @param {Response} response
 * @returns {Promise<ApiError>} made from an RFC 9457 problem document, else from the status
 */
async function problemOf(response) {
  const text = await response.text();
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  try {
    const problem = JSON.parse(text);
    const errors = problem.errors ?? (problem.field ? [problem] : []);
    const fields = errors.map((/** @type {any} */ e) => ({
      field: String(e.field ?? e.name ?? ""),
      detail: String(e.detail ?? e.message ?? ""),
      value: String(e.value ?? ""),
    }));
    const named = fields.map((/** @type {any} */ e) => `${e.field}: ${e.detail}`).join("; ");
    return new ApiError(
      response.status,
      (problem.errors && named) || problem.detail || problem.title || `HTTP ${response.status}`,
      fields,
      retryAfter,
    );
  } catch (error) {
    if (error instanceof SyntaxError)
      return new ApiError(response.status, `HTTP ${response.status}`, [], retryAfter);
    throw error;
  }
}

export class Api {
  /** @param {string} address @param {() => string} token returns the reader's token, or "" */
  constructor(address, token) {
    this.address = address;
    this.token = token;
    this.readsWithToken = false;
  }

  /**
   * @param {string} path @param {Record<string, string | number>} [query]
   * @param {RequestInit} [init]
   * @returns {Promise<any>} the decoded body; throws ApiError
   */
  async request(path, query = {}, init = {}) {
    const response = await this.#answer(path, query, init);
    return response.status === 204 ? null : response.json();
  }

  /**
   * @param {string} path @param {Record<string, string | number>} query @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async #answer(path, query, init) {
    const filled = Object.entries(query).filter(([, value]) => value !== "" && value != null);
    const search = new URLSearchParams(
      filled.map(([key, value]) => [key, String(value)]),
    ).toString();
    const url = `${this.address}${path}${search && "?"}${search}`;
    const withoutToken = !this.readsWithToken; // a refusal of another request may set it
    let response = await this.#fetch(url, init);
    if (isRefusal(response.status) && !init.method && this.token() && withoutToken) {
      this.readsWithToken = true; // this deployment requires a token for reading
      response = await this.#fetch(url, init);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** @param {string} url @param {RequestInit} init @returns {Promise<Response>} */
  async #fetch(url, init) {
    const headers = init.method ? undefined : this.#toRead();
    try {
      const early = headers || init.method ? undefined : await takeEarly(url);
      init.signal?.throwIfAborted();
      return (
        early ??
        (await fetch(url, {
          cache: "no-cache",
          signal: AbortSignal.timeout(15000),
          headers,
          ...init,
        }))
      );
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ApiError(0, navigator.onLine ? "The API does not answer." : "You are offline.");
    }
  }

  /**
   * @returns {Record<string, string> | undefined} the headers of a read, with the token only if
   *   reading requires it
   */
  #toRead() {
    return this.readsWithToken && this.token()
      ? { Authorization: `Bearer ${this.token()}` }
      : undefined;
  }

  /** @param {string} method @param {string} path @param {any} [body] */
  write(method, path, body) {
    const authorization = { Authorization: `Bearer ${this.token()}` };
    if (body === undefined) return this.request(path, {}, { method, headers: authorization });
    return this.request(
      path,
      {},
      {
        method,
        headers: { ...authorization, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      },
    );
  }

  /**
   * @returns {Promise<Set<string>>} the paths in the deployment's OpenAPI document; none if there
   *   is no such document. Throws ApiError
   */
  async routes() {
    try {
      return new Set(Object.keys((await this.request("/openapi.json")).paths));
    } catch (error) {
      if (error instanceof ApiError && error.isMissing) return new Set();
      throw error;
    }
  }

  /** @returns {Promise<import("./types.js").Listed[]>} at most 5,000 symbols */
  async symbols() {
    const { symbols } = await this.request("/symbols");
    return symbols.map((/** @type {any} */ s) => ({
      symbol: s.symbol,
      name: s.name ?? undefined,
      source: s.source ?? undefined,
      addedAt: s.added_at ?? undefined,
      seen: s.seen !== false,
    }));
  }

  /**
   * Fetch the producer's status (null if none has reported), the seconds by which signals and
   * alerts lag behind prices, those by which messages lag behind alerts, and the silent symbols.
   * @returns {Promise<Pick<import("./store.js").State, "producer" | "lag" | "messageLag" |
   *   "silent">>}
   */
  async health() {
    const answer = await this.request("/health");
    const { producer, detect_lag_seconds: lag, deliver_lag_seconds: messageLag } = answer;
    return {
      producer: producer
        ? {
            source: producer.source,
            state: producer.state,
            progress: producer.progress ?? null,
            ageSeconds: producer.age_seconds,
            problem: producer.problem ?? "",
          }
        : null,
      lag: lag ?? 0,
      messageLag: messageLag ?? 0,
      silent: { count: answer.silent_symbols ?? 0, names: answer.silent ?? [] },
    };
  }

  /**
   * Fetch the quotes of symbols, and the seconds between new prices.
   * @param {string[]} symbols at most 100
   * @returns {Promise<{quotes: import("./types.js").Quote[], seconds: number}>}
   */
  async quotes(symbols) {
    const response = await this.#answer("/quotes", { symbols: symbols.join(",") }, {});
    const { quotes } = await response.json();
    quotes.forEach((/** @type {any} */ quote) => observe(quote));
    const seconds = Number(
      /max-age=(\d+)/.exec(response.headers.get("Cache-Control") ?? "")?.[1] ?? 0,
    );
    return {
      quotes: quotes.filter((/** @type {any} */ q) => q.price != null).map(decodeQuote),
      seconds,
    };
  }

  /**
   * @param {string} symbol @param {Record<string, string | number>} query
   * @param {AbortSignal} [signal]
   * @returns {Promise<{envelope: any, bars: import("./types.js").Bar[]}>}
   */
  async bars(symbol, query, signal) {
    const envelope = await this.request(
      `/prices/${encodeURIComponent(symbol)}`,
      query,
      signal ? { signal } : {},
    );
    observe(envelope);
    return { envelope, bars: decodeBars(envelope) };
  }

  /**
   * @param {Record<string, string | number>} query
   * @returns {Promise<import("./types.js").Alert[]>}
   */
  async alerts(query) {
    const { alerts } = await this.request("/alerts", query);
    return alerts.map(decodeAlert);
  }

  /** @param {string} id @returns {Promise<import("./types.js").ToldAlert>} */
  async alert(id) {
    const row = await this.request(`/alerts/${encodeURIComponent(id)}`);
    return { alert: decodeAlert(row), deliveries: row.deliveries };
  }

  /**
   * @param {string} symbol @param {Record<string, string | number>} query
   * @returns {Promise<{time: number, price: number}[]>} ticks, or closes of regular bars by start
   */
  async points(symbol, query) {
    const { prices } = await this.request(`/prices/${encodeURIComponent(symbol)}`, query);
    return prices.filter((/** @type {any} */ row) => !row.extended).map(decodePoint);
  }

  /** @returns {Promise<import("./types.js").Rule[]>} */
  async rules() {
    return (await this.request("/rules")).rules;
  }

  /** @param {Partial<import("./types.js").Rule>} rule */
  createRule(rule) {
    return this.write("POST", "/rules", rule);
  }

  /** @param {string} id @param {Partial<import("./types.js").Rule>} rule */
  replaceRule(id, rule) {
    return this.write("PUT", `/rules/${encodeURIComponent(id)}`, rule);
  }

  /** @param {string} id */
  deleteRule(id) {
    return this.write("DELETE", `/rules/${encodeURIComponent(id)}`);
  }

  /**
   * @param {Record<string, any>} asked a rule with its range
   * @returns {Promise<any>} the answer: data/previewed.js decodes it
   */
  previewRule(asked) {
    const headers = { "Content-Type": "application/json", ...this.#toRead() };
    const body = JSON.stringify(asked);
    return this.request("/rules/preview", {}, { method: "POST", headers, body });
  }

  /** @param {string} symbol */
  track(symbol) {
    return this.write("PUT", `/symbols/${encodeURIComponent(symbol)}`);
  }

  /** @param {string} symbol */
  untrack(symbol) {
    return this.write("DELETE", `/symbols/${encodeURIComponent(symbol)}`);
  }
}
