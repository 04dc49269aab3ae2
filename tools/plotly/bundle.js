// The parts of plotly.js that the page uses, bundled as plotly's CUSTOM_BUNDLE.md describes: the core,
// which has `scatter`, and candlesticks.

const Plotly = require("plotly.js/lib/core");

Plotly.register([require("plotly.js/lib/candlestick")]);

module.exports = Plotly;
