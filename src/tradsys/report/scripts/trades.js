// Every trade as a table that is sorted and filtered, a page at a time, and saved as CSV without a network.

const TRADES_A_PAGE = 25;
const isoText = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
// as many digits as four bytes carry
const exact = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "");

class TradeTable {
  constructor(packed) {
    this.names = packed;
    this.columns = Object.fromEntries(Object.entries(packed).filter(([, value]) => value.base64 !== undefined || value.constant !== undefined)
      .map(([key, value]) => [key, value.base64 === undefined ? new Float64Array(packed.n).fill(value.constant) : unpack(value)]));
    this.sorted = { key: "entry_ts", sign: 1 };
    this.page = 0;
    this.shown = this.describe();
    this.listen();
    this.filter();
  }

  describe() {
    const { columns, names } = this;
    const price = (value) => value.toLocaleString("en", { maximumSignificantDigits: 7 });
    const money = (value) => value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");
    return [
      { key: "entry_ts", head: "In", text: (i) => isoText(columns.entry_ts[i]) },
      { key: "symbol", head: "Symbol", text: (i) => names.symbols[columns.symbol[i]] },
      { key: "side", head: "Side", text: (i) => (columns.side[i] > 0 ? "long" : "short") },
      { key: "net_return", head: "Net return", text: (i) => percentText(columns.net_return[i]), isNumber: true, isResult: true },
      { key: "pnl_quote", head: "Profit, quote", text: (i) => money(columns.pnl_quote[i]), isNumber: true, isResult: true },
      { key: "exit_ts", head: "Out", text: (i) => isoText(columns.exit_ts[i]) },
      { key: "entry_price", head: "In at", text: (i) => price(columns.entry_price[i]), isNumber: true },
      { key: "exit_price", head: "Out at", text: (i) => price(columns.exit_price[i]), isNumber: true },
      { key: "reason", head: "Ended by", text: (i) => names.reasons[columns.reason[i]] ?? "" },
      { key: "fees_quote", head: "Fees, quote", text: (i) => money(columns.fees_quote[i]), isNumber: true },
      { key: "slippage_quote", head: "Slippage, quote", text: (i) => (Number.isFinite(columns.slippage_quote[i]) ? money(columns.slippage_quote[i]) : "–"), isNumber: true },
      { key: "profile", head: "Profile", text: (i) => names.profiles[columns.profile[i]] },
    ];
  }

  listen() {
    for (const { key, head, isNumber } of this.shown) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.dataset.key = key;
      if (isNumber) cell.className = "r";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head;
      button.addEventListener("click", () => this.sort(key));
      cell.append(button);
      document.getElementById("trades-head").append(cell);
    }
    this.choosers = ["profile", "symbol"].map((key) => [key, document.getElementById(`trades-${key}`)]).filter(([, found]) => found);
    for (const [, chooser] of this.choosers) chooser.addEventListener("change", () => this.filter());
    const first = Int32Array.from(this.names.profiles, (_, k) => this.columns.profile.indexOf(k)).findIndex((at) => at >= 0);
    document.getElementById("trades-profile").value = Math.max(0, first);
    document.getElementById("trades-previous").addEventListener("click", () => this.turn(-1));
    document.getElementById("trades-next").addEventListener("click", () => this.turn(1));
    document.getElementById("trades-csv").addEventListener("click", () => this.save());
  }

  filter() {
    const wanted = this.choosers.filter(([, chooser]) => chooser.value !== "").map(([key, chooser]) => [this.columns[key], Number(chooser.value)]);
    this.rows = [];
    for (let i = 0; i < this.names.n; i++) if (wanted.every(([column, value]) => column[i] === value)) this.rows.push(i);
    this.order();
  }

  sort(key) {
    this.sorted = { key, sign: this.sorted.key === key ? -this.sorted.sign : 1 };
    this.order();
  }

  order() {
    const { key, sign } = this.sorted;
    const column = this.columns[key];
    this.rows.sort((a, b) => sign * (column[a] - column[b]) || a - b);
    for (const cell of document.getElementById("trades-head").children) {
      cell.setAttribute("aria-sort", cell.dataset.key !== key ? "none" : sign > 0 ? "ascending" : "descending");
    }
    this.page = 0;
    this.draw();
  }

  turn(by) {
    this.page += by;
    this.draw();
  }

  draw() {
    const from = this.page * TRADES_A_PAGE;
    const rows = this.rows.slice(from, from + TRADES_A_PAGE);
    document.getElementById("trades-body").replaceChildren(...rows.map((i) => this.row(i)));
    const n = this.rows.length.toLocaleString("en");
    document.getElementById("trades-page").textContent = rows.length ? `${(from + 1).toLocaleString("en")} to ${(from + rows.length).toLocaleString("en")} of ${n} trades` : "No trades.";
    document.getElementById("trades-previous").disabled = from === 0;
    document.getElementById("trades-next").disabled = from + rows.length >= this.rows.length;
  }

  row(i) {
    const line = document.createElement("tr");
    for (const { text, isNumber, isResult } of this.shown) {
      const cell = document.createElement("td");
      cell.textContent = text(i);
      cell.className = [isNumber && "r", isResult && (this.columns.net_return[i] > 0 ? "won" : "lost")].filter(Boolean).join(" ");
      line.append(cell);
    }
    return line;
  }

  csv() {
    const { columns, names } = this;
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const whole = {
      profile: (i) => quoted(names.profiles[columns.profile[i]]),
      symbol: (i) => quoted(names.symbols[columns.symbol[i]]),
      side: (i) => (columns.side[i] > 0 ? "long" : "short"),
      reason: (i) => names.reasons[columns.reason[i]] ?? "",
      entry_ts: (i) => new Date(columns.entry_ts[i] * 1000).toISOString(),
      exit_ts: (i) => new Date(columns.exit_ts[i] * 1000).toISOString(),
      entry_price: (i) => String(columns.entry_price[i]),
      exit_price: (i) => String(columns.exit_price[i]),
    };
    const keys = Object.keys(columns);
    const line = (i) => keys.map((key) => (whole[key] ? whole[key](i) : exact(columns[key][i]))).join(",");
    return [keys.join(","), ...this.rows.map(line), ""].join("\n");
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = "trades.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
