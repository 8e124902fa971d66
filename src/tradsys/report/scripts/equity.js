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
    this.chart.subscribeCrosshairMove((event) => this.read(event.logical));
    const air = this.times.length * 0.02;
    this.chart.timeScale().setVisibleLogicalRange({ from: -air, to: this.times.length + air });
    this.read(undefined);
    onThemeChange(() => this.repaint());
  }

  options() {
    const options = chartOptions();
    options.layout.attributionLogo = false; // the price chart above carries it
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
      const series = this.chart.addSeries(LightweightCharts.LineSeries, this.line(curve), pane);
      const points = [];
      values.forEach((value, i) => { if (!Number.isNaN(value)) points.push({ time: this.times[i], value }); });
      series.setData(points);
      return series;
    });
    this.addSwitch(curve);
    return curve;
  }

  line(curve) {
    return {
      color: curve.isBenchmark ? colour("benchmark") : profileColour(curve.position),
      lineWidth: curve.isBenchmark ? 1 : 2,
      lastValueVisible: false,
      priceLineVisible: false,
      crosshairMarkerRadius: 3,
      priceFormat: { type: "custom", minMove: 0.0001, formatter: (value) => percentText(value) },
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

  read(logical) {
    const index = Math.min(this.times.length - 1, Math.max(0, Math.round(logical ?? this.times.length - 1)));
    for (const curve of this.curves) {
      curve.values.forEach((values, i) => { curve.labels[i].textContent = percentText(values[index]); });
    }
  }

  repaint() {
    this.chart.applyOptions(this.options());
    for (const curve of this.curves) for (const series of curve.series) series.applyOptions(this.line(curve));
    for (const { text, mark } of this.captions) mark.applyOptions(this.caption(text));
  }
}
