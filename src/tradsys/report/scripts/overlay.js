// Regimes behind the candles, fold borders, and the trades with their barriers: one primitive that draws what is in view.

const TARGET = 0;
const STOP = 1;
const MOST_DETAILED = 150;
const STRIP = 7;
const DECISION_GAP = 6;

class Overlay {
  constructor() {
    this.symbol = null;
    this.trades = null;
    this.decisions = null;
    this.selected = -1;
    const behind = { zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.paint(target, this.drawBehind) }) };
    const above = { zOrder: () => "top", renderer: () => ({ draw: (target) => this.paint(target, this.drawAbove) }) };
    this.views = [behind, above];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  paneViews() {
    return this.views;
  }

  show(symbol, trades, decisions) {
    Object.assign(this, { symbol, trades, decisions, selected: -1 });
    this.requestUpdate();
  }

  select(index) {
    this.selected = index;
    this.requestUpdate();
  }

  // The barriers of the trades in view belong into the price range.
  autoscaleInfo(from, to) {
    if (!this.trades) return null;
    const [first, last] = this.tradesBetween(from, to);
    if (last - first > MOST_DETAILED || first >= last) return null;
    let minValue = Infinity;
    let maxValue = -Infinity;
    for (let i = first; i < last; i++) {
      for (const price of [this.trades.target[i], this.trades.stop[i]]) {
        if (!Number.isFinite(price)) continue;
        minValue = Math.min(minValue, price);
        maxValue = Math.max(maxValue, price);
      }
    }
    return Number.isFinite(minValue) ? { priceRange: { minValue, maxValue } } : null;
  }

  // One position at a time, so entries and exits are both in order.
  tradesBetween(from, to) {
    return [lowerBound(this.trades.exit, from), lowerBound(this.trades.entry, to + 1)];
  }

  paint(target, draw) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.symbol) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      const spacing = this.chart.timeScale().options().barSpacing;
      const anchor = Math.round((range.from + range.to) / 2);
      const origin = this.chart.timeScale().logicalToCoordinate(anchor);
      if (origin === null) return;
      const x = (index) => origin + (index - anchor) * spacing;
      const y = (price) => this.series.priceToCoordinate(price);
      context.save();
      draw.call(this, { context, range, spacing, x, y, width: mediaSize.width, height: mediaSize.height });
      context.restore();
    });
  }

  drawBehind(view) {
    this.drawRegimes(view);
    this.drawFolds(view);
    if (this.trades && this.isDetailed(view)) this.eachTrade(view, this.drawBarriers);
  }

  drawAbove(view) {
    if (this.decisions) this.drawDecisions(view);
    if (this.trades) this.eachTrade(view, this.isDetailed(view) ? this.drawTrade : this.drawDot);
  }

  isDetailed({ range, spacing }) {
    const [first, last] = this.tradesBetween(range.from, range.to);
    return last - first <= MOST_DETAILED && spacing >= 0.8;
  }

  eachTrade(view, draw) {
    const [first, last] = this.tradesBetween(view.range.from, view.range.to);
    for (let i = first; i < last; i++) draw.call(this, view, i);
  }

  drawRegimes({ context, range, spacing, x, width, height }) {
    const { from, state } = this.symbol.regime;
    const shades = [colour("quiet"), colour("trend"), colour("panic")];
    const first = Math.max(0, lowerBound(from, range.from) - 1);
    for (let i = first; i < from.length && from[i] <= range.to; i++) {
      if (state[i] < 0) continue;
      const left = Math.max(0, x(from[i]) - spacing / 2);
      const end = i + 1 < from.length ? from[i + 1] : this.symbol.n;
      const right = Math.min(width, x(end) - spacing / 2);
      context.fillStyle = shades[state[i]];
      context.globalAlpha = 0.14;
      context.fillRect(left, 0, right - left, height - STRIP);
      context.globalAlpha = 1;
      context.fillRect(left, height - STRIP, right - left, STRIP);
    }
  }

  drawFolds({ context, spacing, x, width, height }) {
    context.strokeStyle = context.fillStyle = colour("muted");
    context.font = `11px ${FONT}`;
    context.setLineDash([2, 4]);
    let nextFree = -Infinity;
    for (const fold of this.symbol.folds) {
      const at = Math.round(x(fold.index) - spacing / 2) + 0.5;
      if (at < 0 || at > width) continue;
      context.beginPath();
      context.moveTo(at, 0);
      context.lineTo(at, height);
      context.stroke();
      if (at > nextFree) context.fillText(fold.label, at + 5, height - STRIP - 7);
      nextFree = Math.max(nextFree, at + 48);
    }
    context.setLineDash([]);
  }

  drawBarriers({ context, spacing, x, y }, i) {
    const left = x(this.trades.entry[i]) - spacing / 2;
    const width = Math.max(1.5, x(this.trades.exit[i]) + spacing / 2 - left);
    const entry = y(this.trades.entry_price[i]);
    const boxes = [
      [y(this.trades.target[i]), colour("win")],
      [y(this.trades.stop[i]), colour("loss")],
    ];
    for (const [edge, shade] of boxes) {
      if (edge === null || entry === null || Number.isNaN(edge)) continue;
      context.fillStyle = shade;
      context.globalAlpha = i === this.selected ? 0.3 : 0.13;
      context.fillRect(left, Math.min(edge, entry), width, Math.abs(edge - entry));
      context.globalAlpha = i === this.selected ? 1 : 0.65;
      context.fillRect(left, Math.round(edge) - 0.5, width, 1);
    }
    context.globalAlpha = 1;
  }

  drawTrade({ context, x, y, spacing }, i) {
    const from = [x(this.trades.entry[i]), y(this.trades.entry_price[i])];
    const to = [x(this.trades.exit[i]), y(this.trades.exit_price[i])];
    if (from[1] === null || to[1] === null) return;
    const size = Math.max(2.5, Math.min(6, spacing * 0.9)) + (i === this.selected ? 1.5 : 0);
    context.strokeStyle = this.outcome(i);
    context.lineWidth = i === this.selected ? 2 : 1.25;
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    this.markEntry(context, from, this.trades.side[i], size);
    this.markExit(context, to, this.trades.reason[i], size * 0.8, this.outcome(i));
  }

  markEntry(context, [x, y], side, size) {
    context.fillStyle = colour("ink");
    context.strokeStyle = colour("panel");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, y - side * size * 0.2);
    context.lineTo(x + size, y + side * size * 1.5);
    context.lineTo(x - size, y + side * size * 1.5);
    context.closePath();
    context.fill();
    context.stroke();
  }

  markExit(context, [x, y], reason, size, shade) {
    context.beginPath();
    if (reason === STOP) {
      context.moveTo(x - size, y - size);
      context.lineTo(x + size, y + size);
      context.moveTo(x + size, y - size);
      context.lineTo(x - size, y + size);
    } else if (reason === TARGET) {
      context.arc(x, y, size, 0, 2 * Math.PI);
    } else {
      context.rect(x - size, y - size, 2 * size, 2 * size);
    }
    context.fillStyle = reason === TARGET ? shade : colour("panel");
    if (reason !== STOP) context.fill();
    for (const [stroke, width] of [[colour("panel"), 4], [shade, 2]]) {
      context.strokeStyle = stroke;
      context.lineWidth = reason === STOP ? width : width / 2;
      if (reason === STOP || stroke === shade) context.stroke();
    }
  }

  // Each decision to enter, under its bar where long and above where short; zoomed out, no two closer than DECISION_GAP.
  drawDecisions({ context, range, x, y }) {
    const { at, side, low, high } = this.decisions;
    const last = { 1: -Infinity, "-1": -Infinity };
    context.fillStyle = colour("accent");
    for (let i = lowerBound(at, range.from); i < at.length && at[i] <= range.to; i++) {
      const [left, way] = [x(at[i]), side[i]];
      const edge = y(way > 0 ? low[at[i]] : high[at[i]]);
      if (edge === null || left - last[way] < DECISION_GAP) continue;
      last[way] = left;
      const tip = edge + way * 5;
      context.beginPath();
      context.moveTo(left, tip);
      context.lineTo(left + 3, tip + way * 4.5);
      context.lineTo(left - 3, tip + way * 4.5);
      context.closePath();
      context.fill();
    }
  }

  // Too many trades for boxes: a dot at each exit, won or lost.
  drawDot({ context, x, y }, i) {
    const at = y(this.trades.exit_price[i]);
    if (at === null) return;
    context.globalAlpha = 0.6;
    context.fillStyle = this.outcome(i);
    context.fillRect(x(this.trades.exit[i]) - 1.25, at - 1.25, 2.5, 2.5);
    context.globalAlpha = 1;
  }

  outcome(i) {
    return colour(this.trades.net_return[i] > 0 ? "win" : "loss");
  }
}
