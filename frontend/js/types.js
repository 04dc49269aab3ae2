// The shapes that travel between the modules, as JSDoc types; nothing here runs.

/**
 * A bar as the API sends it, with its time in milliseconds.
 * @typedef {object} Bar
 * @property {number} time start of the bar, milliseconds since the epoch
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume
 * @property {boolean} closed false for the bar that is still being built
 */

/**
 * Bars of one symbol with what the chart needs to know about them. `first` is the index of bars[0] on the chart's
 * axis: it grows when old bars are dropped, so that a bar never changes its place under a zoom.
 * @typedef {object} Series
 * @property {string} symbol
 * @property {string} range a key of RANGES, or "custom"
 * @property {string} interval the bar size that the API chose or was asked for
 * @property {string} source
 * @property {string | null} currency
 * @property {string} adjustment
 * @property {string} zone IANA zone of the exchange
 * @property {Bar[]} lead bars before the first drawn one: they warm the indicators up and are not drawn
 * @property {Bar[]} bars
 * @property {number} first
 * @property {boolean} truncated true when the range holds more bars than were asked for
 */

/**
 * @typedef {object} Quote
 * @property {string} symbol
 * @property {string | undefined} name
 * @property {number} time of the last tick, milliseconds
 * @property {number} price
 * @property {number | null} change
 * @property {number | null} changePercent
 * @property {number | null} previousClose
 * @property {number | null} volume
 * @property {string | null} currency
 * @property {string} zone
 * @property {string} source
 * @property {string | null} marketState
 * @property {number | null} nextOpen milliseconds
 * @property {boolean} stale as the API computed it
 * @property {boolean} anomaly
 * @property {number | null} fast the short average of the last prices
 * @property {number | null} slow
 */

/**
 * @typedef {object} Listed
 * @property {string} symbol
 * @property {string | undefined} name
 * @property {string | undefined} source
 * @property {string | undefined} addedAt
 * @property {boolean} seen false while no price of it has come yet
 */

/**
 * @typedef {object} Alert
 * @property {string} id
 * @property {string} ruleId
 * @property {string} symbol
 * @property {string} condition
 * @property {number} time
 * @property {number | null} price
 * @property {string} message
 * @property {string} source
 * @property {string | null} notifiedAt
 */

/**
 * A rule in the words of the API (see the contract in docs/api.md).
 * @typedef {object} Rule
 * @property {string} rule_id
 * @property {string} symbol
 * @property {string} condition
 * @property {number | null} value
 * @property {string} interval
 * @property {number | null} [fast]
 * @property {number | null} [slow]
 * @property {number | null} [window]
 * @property {string} trigger
 * @property {number} [cooldown_seconds]
 * @property {string | null} [expires_at]
 * @property {boolean} enabled
 * @property {boolean} notify
 * @property {boolean} [default] true for a rule of the deployment's settings
 */

/**
 * How the page stands to its API.
 * @typedef {object} Link
 * @property {"connecting" | "live" | "paused" | "retrying" | "offline"} state
 * @property {number} retryAt milliseconds, 0 when not retrying
 * @property {number} answeredAt milliseconds of the last good answer, 0 for none yet
 * @property {string} reason what went wrong, empty when nothing did
 */

/**
 * What the reader chose: everything that a link restores.
 * @typedef {object} View
 * @property {"chart" | "compare" | "history"} page
 * @property {string} symbol empty until the list is known
 * @property {string} range
 * @property {string} interval "auto" or a bar size
 * @property {string} start ISO date, for range "custom"
 * @property {string} end ISO date, for range "custom"
 * @property {"candles" | "line"} type
 * @property {string[]} indicators
 * @property {"exchange" | "local"} clock
 * @property {string[]} compare symbols beside the main one
 * @property {number} from left edge of a zoom, milliseconds; 0 for none
 * @property {number} to
 */

export {};
