// The shapes that travel between the modules, for the type checker; nothing here is served.

/** A bar as the API sends it, with its time in milliseconds. */
export interface Bar {
  /**
   * start of the bar, milliseconds since the epoch; half of one more for an extended bar, which may
   * share its start
   */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** false for the bar that is still being built */
  closed: boolean;
}

/**
 * Bars of one symbol with what the chart needs to know about them. `first` is the index of bars[0]
 * on the chart's
 * axis: it grows when old bars are dropped, so that a bar never changes its place under a zoom.
 */
export interface Series {
  symbol: string;
  /** a key of RANGES, or "custom" */
  range: string;
  /** the bar size that the API chose or was asked for */
  interval: string;
  source: string;
  currency: string | null;
  adjustment: string;
  /** IANA zone of the exchange */
  zone: string;
  /** bars before the first drawn one: they warm the indicators up and are not drawn */
  lead: Bar[];
  bars: Bar[];
  first: number;
  /** true when the range holds more bars than were asked for */
  truncated: boolean;
}

export interface Quote {
  symbol: string;
  name: string | undefined;
  /** of the last tick, milliseconds; of the last day where there is history alone */
  time: number;
  /** true for the close of a symbol of which only bars are stored */
  historical: boolean;
  price: number;
  change: number | null;
  changePercent: number | null;
  previousClose: number | null;
  volume: number | null;
  currency: string | null;
  zone: string;
  source: string;
  marketState: string | null;
  /** milliseconds */
  nextOpen: number | null;
  /** as the API computed it */
  stale: boolean;
  exchangeDelay: number; // seconds by which the source gives this exchange's prices late
  anomaly: boolean;
  alertedAt: string; // the newest alert's time as the API writes it, or ""
  /** averages of the last prices, by their windows */
  averages: Record<number, number>;
}

/** Windows of the averages by whose crosses a deployment judges, in prices or bars. */
export interface Averages {
  fast: number;
  slow: number;
}

export interface Listed {
  symbol: string;
  name: string | undefined;
  source: string | undefined;
  addedAt: string | undefined;
  /** false while no price of it has come yet */
  seen: boolean;
}

export interface Alert {
  id: string;
  ruleId: string;
  symbol: string;
  condition: string;
  time: number;
  price: number | null;
  message: string;
  source: string;
  /** what the rule was judged by: value, change_percent, moved_percent, sma_5 … */
  values: Record<string, number>;
  notifiedAt: string | null;
}

/** A rule in the words of the API (see the contract in docs/api.md). */
export interface Rule {
  rule_id: string;
  symbol: string;
  condition: string;
  value: number | null;
  interval: string;
  fast?: number | null;
  slow?: number | null;
  window?: number | null;
  trigger: string;
  cooldown_seconds?: number;
  expires_at?: string | null;
  enabled: boolean;
  notify: boolean;
  /** true for a rule of the deployment's settings */
  default?: boolean;
}

/** How the page stands to its API. */
export interface Link {
  state: "connecting" | "live" | "paused" | "retrying" | "offline";
  /** milliseconds, 0 when not retrying */
  retryAt: number;
  /** milliseconds of the last good answer, 0 for none yet */
  answeredAt: number;
  /** what went wrong, empty when nothing did */
  reason: string;
}

/** What the producer says of itself, by way of /health. */
export interface Producer {
  source: string;
  /** in the words of docs/producer.md */
  state: string;
  /** share of its history that was sent, 0 to 1; null where there is no end to measure against */
  progress: number | null;
  /** since it said so */
  ageSeconds: number;
  /** empty where it has none */
  problem: string;
}

/** What the reader chose: everything that a link restores. */
export interface View {
  page: "chart" | "compare" | "history";
  /** empty until the list is known */
  symbol: string;
  range: string;
  /** "auto" or a bar size */
  interval: string;
  /** ISO date, for range "custom" */
  start: string;
  /** ISO date, for range "custom" */
  end: string;
  type: "candles" | "line";
  indicators: string[];
  clock: "exchange" | "local";
  /** symbols beside the main one */
  compare: string[];
  /** left edge of a zoom, milliseconds; 0 for none */
  from: number;
  to: number;
}
