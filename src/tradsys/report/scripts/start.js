// Draws both charts, fills the table of trades and says on the page how that went.

const page = document.documentElement;
try {
  const data = JSON.parse(document.getElementById("run-data").textContent);
  const price = data.symbols.length > 0 ? new PriceChart(data) : null;
  if (data.equity.curves.length > 0) new EquityChart(data);
  const trades = document.getElementById("trades") ? new TradeTable(data.trades) : null;
  page.dataset.trades = trades ? trades.rows.length : 0;
  page.dataset.candles = price ? price.symbol.n : 0;
  page.dataset.drawnMs = Math.round(performance.now()); // since the page was asked for
  page.dataset.charts = "drawn";
} catch (error) {
  page.dataset.charts = "failed";
  const note = document.createElement("p");
  note.className = "empty";
  note.textContent = `The charts could not be drawn (${error.message}); every number below stands.`;
  document.querySelector("main").prepend(note);
  throw error;
}
