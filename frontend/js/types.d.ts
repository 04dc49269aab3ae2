// Types shared by the modules, for the type checker; this file is not served.

/** A bar from the API, with its time in milliseconds. */
export interface Bar {
  /**
   * start of the bar, milliseconds since the epoch; plus 0.5 for an extended bar, since a regular
   * bar may have the same start
   */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** false for the bar that is still being built */
  closed: boolean;
  /** the bar's source, if the previous bar has another */
  source?: string;
}

/**
 * Bars of one symbol with their properties for the chart. `first` is the index of bars[0] on the
 * chart's axis: it grows when old bars are dropped, so that a bar never moves under a zoom.
 */
export interface Series {
  symbol: string;
  /** a key of RANGES, or "custom" */
  range: string;
  /** the bar size that the API chose or that was requested */
  interval: string;
  source: string;
  currency: string | null;
  adjustment: string;
  /** IANA zone of the exchange */
  zone: string;
  /** bars before the first drawn one: warm-up for the indicators, not drawn */
  lead: Bar[];
  bars: Bar[];
  first: number;
  /** true if the range has more bars than requested */
  truncated: boolean;
}

export interface Quote {
  symbol: string;
  name: string | undefined;
  /** milliseconds; time of the last tick, or of the last day if there is only history */
  time: number;
  /** true if only bars are stored: the price is the last close */
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
  /** milliseconds; when the exchange opens next */
  nextOpen: number | null;
  /** whether the price is stale, as the API computed it */
  stale: boolean;
  exchangeDelay: number; // seconds by which the source delays this exchange's prices
  anomaly: boolean;
  alertedAt: string; // the newest alert's time in the API's format, or ""
  /** averages of the last prices, by window */
  averages: Record<number, number>;
}

/** Windows of the two averages whose crosses a deployment detects, in prices or bars. */
export interface Averages {
  fast: number;
  slow: number;
}

export interface Listed {
  symbol: string;
  name: string | undefined;
  source: string | undefined;
  addedAt: string | undefined;
  /** false until its first price has arrived */
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
  /** the values that fired the rule: value, change_percent, moved_percent, sma_5 … */
  values: Record<string, number>;
  /** what the rule is evaluated on: tick, or a bar's interval */
  interval: string;
  /** why the alert is only recorded; "" if it is sent */
  quiet: string;
  /** the channels that hold the alert for a digest, with the digest's time in milliseconds */
  held: { channel: string; until: number; reason: string }[];
  notifiedAt: string | null;
}

/** The delivery of an alert to one channel. The API may add statuses and fields. */
export interface Delivery {
  /** the channel's id */
  channel: string;
  /** sending, waiting, sent, dead, held … */
  status: string;
  attempts: number;
  /** seconds from the tick to the last attempt */
  seconds?: number | null;
  error?: string | null;
  /** time of the next attempt, or of the digest that holds the alert */
  next_attempt_at?: string | null;
  /** time of the digest, and why the alert was held; null if it was not held */
  held_until?: string | null;
  held_reason?: string | null;
}

export interface ToldAlert {
  alert: Alert;
  /** one for each channel that has tried to send the alert or held it */
  deliveries: Delivery[];
}

/** What the rule of an alert evaluated, for the chart. */
export interface Judged {
  symbol: string;
  /** the alert's time in milliseconds */
  time: number;
  price: number | null;
  /** milliseconds of the bars whose closes were evaluated; 0 for ticks */
  length: number;
  /** prices at which the rule decides */
  levels: number[];
  /** the evaluated prices in the order of time; a bar has the time of its start */
  points: { time: number; price: number }[];
  /** an average for each point, the fast one first */
  averages: (number | null)[][];
}

/** A rule as in the API (see the contract in docs/api.md). */
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
  /** ids of channels; empty for the default channels */
  channels?: string[];
  severity?: string;
  /** the text of the condition `when` */
  when?: string | null;
  /** true for a rule of the deployment's settings */
  default?: boolean;
}

/** A destination of alerts. The API never returns its address. */
export interface Channel {
  channel_id: string;
  name: string;
  kind: string;
  service: string;
  enabled: boolean;
  default: boolean;
  /** whether a picture of the chart comes with each message */
  picture: boolean;
  /** why nothing can be sent to the channel any more */
  ended?: string | null;
  /** the subscription of a browser; only in requests */
  subscription?: PushSubscriptionJSON;
  /** the most messages in a window; null for none */
  limit?: { messages: number; minutes: number } | null;
  /** as_it_happens, every_15_minutes, at_close, until_open, or daily at a time */
  digest?: string | { daily_at: string; time_zone: string } | null;
  /** hours in which alerts are held */
  quiet_hours?: QuietHours[] | null;
}

/** Hours that recur by weekday. */
export interface QuietHours {
  /** days on which the hours start: mon, tue … */
  days: string[];
  /** HH:MM */
  start: string;
  /** HH:MM; on the next day unless it is after start */
  end: string;
  time_zone: string;
}

/** What is muted, and when: until an instant, or each week. */
export interface Mute {
  mute_id: string;
  name: string;
  /** null for a rule; null, like rule_id, if everything is muted */
  symbol: string | null;
  rule_id: string | null;
  /** RFC 3339; null for a recurring mute */
  until: string | null;
  recurring: QuietHours | null;
}

/** The state of the page's connection to its API. */
export interface Link {
  state: "connecting" | "live" | "paused" | "retrying" | "offline";
  /** milliseconds, 0 when not retrying */
  retryAt: number;
  /** milliseconds of the last good answer, 0 for none yet */
  answeredAt: number;
  /** the error's text, or empty */
  reason: string;
}

/** The producer's status from /health. */
export interface Producer {
  source: string;
  /** a state of docs/producer.md */
  state: string;
  /** share of the source's history that was sent, 0 to 1; null for sources without an end */
  progress: number | null;
  /** seconds since the report */
  ageSeconds: number;
  /** the last problem, or empty */
  problem: string;
}

/** An answer of /quality. */
export interface Quality {
  start: string;
  end: string;
  /** null if the exchange's hours are unknown */
  expected: number | null;
  received: number;
  filled: number;
  sessions: { date: string; expected: number | null; received: number; filled: number }[];
  gaps: { start: string; minutes: number; filled_by: string | null }[];
  jump_percent: number;
  jumps: { timestamp: string; previous_close: number; price: number; change_percent: number }[];
  delays: { ticks: number; p50: number | null; p99: number | null };
}

/** The reader's choices: everything that a link restores. */
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
  /** symbols compared with the main one */
  compare: string[];
  /** measurements as "symbol*seconds*price*seconds*price", see chart/measured.js */
  drawings: string[];
  /** the charts beside the main one as "symbol*range*bar size", see data/desk.js */
  desk: string[];
  /** what all charts share with the main chart */
  linked: "none" | "symbol" | "time";
  /** id of the open alert, or empty */
  alert: string;
  /** left edge of a zoom, milliseconds; 0 for none */
  from: number;
  to: number;
}
