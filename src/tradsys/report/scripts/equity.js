// Equity of each profile and of buy-and-hold, and under it their drawdowns on the same time axis.

class EquityChart {
  constructor(data) {
    this.times = unpackTimes(data.equity.times);
    this.element = document.getElementById("equity-chart");
    this.chart = LightweightCharts.createChart(this.element, this.options());
    this.curves = data.equity.curves.map((curve) => this.addCurve(curve, data.profiles.indexOf(curve.name)));
    const panes = this.chart.panes();
    panes[0].setStretchFactor(2);
    panes[1].setStretchFactor(1);
    this.captions = ["Equity, change since the start", "Drawdown from the highest point"].map((text, i) => ({
      text, mark: LightweightCharts.createTextWatermark(panes[i], this.caption(text)),
    }));
    takeWheelOnceClicked(this.chart, this.element);
    this.chart.subscribeCrosshairMove((event) => this.read(event.point ? event.logical : null));
    const air = this.times.length * (this.element.clientWidth < 600 ? 0.05 : 0.02); // room for the first label
    this.chart.timeScale().setVisibleLogicalRange({ from: -air, to: this.times.length + air });
    this.read(undefined);
    this.listen();
    onThemeChange(() => this.repaint());
  }

  options() {
    const options = chartOptions();
    options.layout.attributionLogo = false; // the price chart above carries it
    options.timeScale.enableConflation = false; // joined points would begin late, and not at zero
    options.localization = { timeFormatter: (time) => timeText(time, false) };
    return options;
  }

  caption(text) {
    const line = { text, color: colour("muted"), fontSize: 12, fontFamily: FONT };
    const air = { text: " ", fontSize: 8, lineHeight: 8 };
    return { horzAlign: "left", vertAlign: "top", lines: [air, line] };
  }

  addCurve(packed, position) {
    const curve = { name: packed.name, isBenchmark: packed.is_benchmark, position };
    curve.values = [unpack(packed.change), unpack(packed.drawdown)];
    curve.series = curve.values.map((values, pane) => {
      const series = this.chart.addSeries(
        LightweightCharts.LineSeries, { ...this.line(curve), priceFormat: this.format(0) }, pane,
      );
      series.setData(this.points(values, (value) => value));
      return series;
    });
    const drawdowns = curve.values[1].filter((value) => !Number.isNaN(value));
    curve.deepest = drawdowns.length ? drawdowns.reduce((a, b) => Math.min(a, b)) : NaN;
    this.addSwitch(curve);
    return curve;
  }

  points(values, place) {
    const points = [];
    values.forEach((value, i) => {
      const at = place(value);
      if (!Number.isNaN(at)) points.push({ time: this.times[i], value: at });
    });
    return points;
  }

  listen() {
    this.scales = [...document.querySelectorAll("#scale button")];
    for (const button of this.scales) button.addEventListener("click", () => this.scale(button.dataset.scale));
  }

  // On a logarithmic scale equal distances are equal factors; it is one of multiples, and nothing is not on it.
  scale(name) {
    const isLog = name === "log";
    const { Logarithmic, Normal } = LightweightCharts.PriceScaleMode;
    for (const button of this.scales) button.setAttribute("aria-pressed", button.dataset.scale === name);
    for (const { series, values } of this.curves) {
      series[0].applyOptions({ priceFormat: this.format(isLog ? 1 : 0) });
      series[0].setData(this.points(values[0], (value) => (isLog ? (value > -1 ? 1 + value : NaN) : value)));
    }
    this.curves[0].series[0].priceScale().applyOptions({ mode: isLog ? Logarithmic : Normal });
  }

  format(base) {
    return { type: "custom", minMove: 0.0001, formatter: (value) => percentText(value - base) };
  }

  line(curve) {
    return {
      color: curve.isBenchmark ? colour("benchmark") : profileColour(curve.position),
      lineWidth: curve.isBenchmark ? 1 : 2,
      lastValueVisible: false,
      priceLineVisible: false,
      crosshairMarkerRadius: 3,
    };
  }

  addSwitch(curve) {
    const button = document.createElement("button");
    const [line, name, change, drawdown] = ["i", "span", "span", "span"].map((tag) => document.createElement(tag));
    line.className = curve.isBenchmark ? "line benchmark" : `line profile-${(curve.position % 6) + 1}`;
    name.textContent = curve.isBenchmark ? "Buy and hold" : curve.name;
    drawdown.className = "drawdown";
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.append(line, name, change, drawdown);
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", visible);
      for (const series of curve.series) series.applyOptions({ visible });
    });
    document.getElementById("curves").append(button);
    curve.labels = [change, drawdown];
  }

  // Under the cursor what was then; else the change over the whole time and the deepest drawdown.
  read(logical) {
    const last = this.times.length - 1;
    const index = Math.min(last, Math.max(0, Math.round(logical ?? last)));
    for (const { labels, values, deepest } of this.curves) {
      labels[0].textContent = percentText(values[0][index]);
      labels[1].textContent = logical == null ? `deepest ${percentText(deepest)}` : `then ${percentText(values[1][index])}`;
    }
  }

  repaint() {
    this.chart.applyOptions(this.options());
    for (const curve of this.curves) for (const series of curve.series) series.applyOptions(this.line(curve));
    for (const { text, mark } of this.captions) mark.applyOptions(this.caption(text));
  }
}
