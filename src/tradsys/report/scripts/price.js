// The price chart: candles of one symbol, trades of one profile, and a step from trade to trade.

const REASON_WORDS = ["at the target", "at the stop", "when its time was up", "when the rule chose anew", "at the last bar of its symbol", "by liquidation"];

function decodeSymbol(packed) {
  const symbol = { name: packed.name, digits: packed.digits, merged: packed.merged, folds: packed.folds, trades: {} };
  symbol.times = unpackTimes(packed.times);
  symbol.n = symbol.times.length;
  symbol.step_s = packed.times.step_s;
  symbol.regime = { from: unpack(packed.regime.from), state: unpack(packed.regime.state), names: packed.regime.names };
  const [open, high, low, close] = ["open", "high", "low", "close"].map((name) => unpack(packed[name]));
  symbol.candles = Array.from(symbol.times, (time, i) => (
    { time, open: open[i], high: high[i], low: low[i], close: close[i] }
  ));
  symbol.decisions = Object.fromEntries(Object.entries(packed.decisions).map(
    ([profile, { at, side }]) => [profile, { at: unpack(at), side: unpack(side), low, high }],
  ));
  for (const [profile, trades] of Object.entries(packed.trades)) {
    symbol.trades[profile] = Object.fromEntries(Object.entries(trades).map(([key, value]) => [key, unpack(value)]));
  }
  return symbol;
}

function candleColours() {
  return {
    upColor: colour("panel"), borderUpColor: colour("candle"), wickUpColor: colour("candle"),
    downColor: colour("candle"), borderDownColor: colour("candle"), wickDownColor: colour("candle"),
  };
}

class PriceChart {
  constructor(data) {
    this.packed = data.symbols;
    this.decoded = new Map();
    this.element = document.getElementById("price-chart");
    this.readout = document.getElementById("price-readout");
    this.chart = LightweightCharts.createChart(this.element, this.options());
    this.series = this.chart.addSeries(LightweightCharts.CandlestickSeries, {
      ...candleColours(), lastValueVisible: false, priceLineVisible: false,
    });
    this.overlay = new Overlay();
    this.series.attachPrimitive(this.overlay);
    takeWheelOnceClicked(this.chart, this.element);
    this.chart.subscribeCrosshairMove((event) => this.read(event.logical));
    onThemeChange(() => {
      this.chart.applyOptions(this.options());
      this.series.applyOptions(candleColours());
    });
    this.profile = data.profiles.find((name) => this.traded(name)) ?? data.profiles[0] ?? "";
    this.listen();
    this.showSymbol(this.busiest());
  }

  options() {
    const options = chartOptions();
    options.timeScale.timeVisible = this.packed[0].times.step_s < 86400;
    options.localization = { timeFormatter: (time) => timeText(time, options.timeScale.timeVisible) };
    return options;
  }

  traded(profile) {
    return this.packed.some((symbol) => symbol.trades[profile].entry.base64.length > 0);
  }

  // The first symbol that the profile traded.
  busiest() {
    const found = this.packed.findIndex((symbol) => symbol.trades[this.profile]?.entry.base64.length > 0);
    return Math.max(0, found);
  }

  listen() {
    this.traders = [...document.querySelectorAll("#trader button")];
    for (const button of this.traders) button.addEventListener("click", () => this.showProfile(button.dataset.profile));
    this.spans = [...document.querySelectorAll("#span button")];
    for (const button of this.spans) button.addEventListener("click", () => this.span(Number(button.dataset.days)));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => range && this.markSpan(range.to - range.from));
    this.chooser = document.getElementById("symbol");
    this.chooser?.addEventListener("change", () => this.showSymbol(Number(this.chooser.value)));
    document.getElementById("previous-trade").addEventListener("click", () => this.step(-1));
    document.getElementById("next-trade").addEventListener("click", () => this.step(1));
  }

  showSymbol(position) {
    if (!this.decoded.has(position)) this.decoded.set(position, decodeSymbol(this.packed[position]));
    this.symbol = this.decoded.get(position);
    if (this.chooser) this.chooser.value = position;
    const { digits } = this.symbol;
    this.series.applyOptions({
      priceFormat: { type: "custom", minMove: 10 ** -digits, formatter: (price) => priceText(price, digits) },
    });
    this.series.setData(this.symbol.candles);
    this.showProfile(this.profile);
  }

  showProfile(profile) {
    this.profile = profile;
    this.trades = this.symbol.trades[profile] ?? null;
    for (const button of this.traders) button.setAttribute("aria-pressed", button.dataset.profile === profile);
    const decided = this.symbol.decisions[profile] ?? null;
    this.overlay.show(this.symbol, this.trades, decided);
    this.sayDecided(decided);
    const n = this.trades ? this.trades.entry.length : 0;
    if (n > 0) this.select(n - 1);
    else this.selectNothing();
  }

  selectNothing() {
    const where = this.packed.length > 1 ? ` on ${this.symbol.name}` : "";
    this.say(this.profile ? `${this.profile} made no trade${where}.` : "No profile was compared.", "");
    this.setStep(true, true);
    this.centre(this.symbol.n - this.barsInView() / 3);
    this.read(null);
  }

  step(by) {
    this.select(Math.min(this.trades.entry.length - 1, Math.max(0, this.selected + by)));
  }

  select(index) {
    this.selected = index;
    this.overlay.select(index);
    const { entry, exit } = this.trades;
    this.setStep(index === 0, index === entry.length - 1);
    this.describe(index);
    this.centre((entry[index] + exit[index]) / 2);
    this.read(null);
  }

  setStep(isFirst, isLast) {
    document.getElementById("previous-trade").disabled = isFirst;
    document.getElementById("next-trade").disabled = isLast;
  }

  describe(index) {
    const { trades, symbol } = this;
    const price = (value) => priceText(value, symbol.digits);
    const side = trades.side[index] > 0 ? "long" : "short";
    const place = `trade ${(index + 1).toLocaleString("en")} of ${trades.entry.length.toLocaleString("en")}`;
    const entered = `in at ${price(trades.entry_price[index])}, ${timeText(symbol.times[trades.entry[index]])}`;
    const left = `out ${REASON_WORDS[trades.reason[index]]} at ${price(trades.exit_price[index])}`;
    const bar = `in the bar of ${timeText(symbol.times[trades.exit[index]])}`;
    this.say(
      `${this.profile} ${side}, ${percentText(trades.net_return[index])} after costs`,
      `${place}; ${entered}; ${left}, ${bar}`,
    );
  }

  // Beside their mark in the legend; a run of an earlier version kept what the deployed profile decided, and no other.
  sayDecided(decided) {
    const place = document.getElementById("decided");
    if (!place) return;
    const kept = Object.keys(this.symbol.decisions).join(", ");
    place.textContent = decided ? ` of ${this.profile}: ${decided.at.length.toLocaleString("en")}` : `, which this run kept of ${kept} alone`;
  }

  say(result, detail) {
    document.getElementById("trade-result").textContent = result;
    document.getElementById("trade-detail").textContent = detail;
  }

  barsInView() {
    return Math.max(40, Math.round(this.element.clientWidth / 8));
  }

  centre(index) {
    const half = this.barsInView() / 2;
    this.chart.timeScale().setVisibleLogicalRange({ from: index - half, to: index + half });
  }

  span(days) {
    const scale = this.chart.timeScale();
    if (days === 0) {
      scale.setVisibleLogicalRange({ from: 0, to: this.symbol.n - 1 });
      this.markSpan(this.symbol.n - 1);
      return;
    }
    const bars = (days * 86400) / (this.symbol.step_s);
    const { from, to } = scale.getVisibleLogicalRange();
    const right = Math.min(this.symbol.n + 2, (from + to) / 2 + bars / 2);
    scale.setVisibleLogicalRange({ from: Math.max(0, right - bars), to: right });
    this.markSpan(bars);
  }

  // The button whose span is in view, however it came there; wider labels of the axis take a little of it.
  markSpan(bars) {
    for (const button of this.spans) {
      const days = Number(button.dataset.days);
      const own = days === 0 ? this.symbol.n - 1 : (days * 86400) / this.symbol.step_s;
      button.setAttribute("aria-pressed", Math.abs(bars - own) < 0.1 * own);
    }
  }

  // The bar under the cursor; a narrow chart has room for its close alone.
  read(logical) {
    const parts = [this.symbol.name];
    const index = Math.round(logical ?? -1);
    const candle = this.symbol.candles[index];
    if (candle) {
      const prices = this.element.clientWidth < 600 ? ["close"] : ["open", "high", "low", "close"];
      const { from, state, names } = this.symbol.regime;
      parts.push(timeText(candle.time, this.symbol.step_s < 86400));
      parts.push(...prices.map((name) => `${name} ${priceText(candle[name], this.symbol.digits)}`));
      parts.push(names[state[lowerBound(from, index + 1) - 1]]);
    }
    this.readout.textContent = parts.filter(Boolean).join("   ");
  }
}
