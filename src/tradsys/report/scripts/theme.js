// Colours come from the style sheet, so that light and dark are decided in one place; numbers read as in the tables.

const FONT = 'Inter, "SF Pro Text", -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Helvetica, Arial, sans-serif';
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// The library's logo brings a style of its own, which pages of tradsys web forbid: their footer names and links its maker.
const HAS_LOGO = !document.currentScript?.src;

const palette = new Map();
const darkness = matchMedia("(prefers-color-scheme: dark)");
darkness.addEventListener("change", () => palette.clear());

function colour(name) {
  if (!palette.has(name)) {
    palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return palette.get(name);
}

function onThemeChange(act) {
  darkness.addEventListener("change", act);
}

function profileColour(position) {
  return colour(`profile-${(position % 6) + 1}`);
}

function percentText(fraction, signed = true) {
  if (!Number.isFinite(fraction)) return "–";
  const size = Math.abs(fraction * 100);
  const text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  const sign = Number(text) === 0 ? "" : fraction < 0 ? "−" : signed ? "+" : "";
  return `${sign}${Number(text).toLocaleString("en", { minimumFractionDigits: text.split(".")[1]?.length ?? 0 })}%`;
}

function priceText(price, digits) {
  return price.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function timeText(seconds, withClock = true) {
  const at = new Date(seconds * 1000);
  const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return withClock ? `${day}, ${at.toISOString().slice(11, 16)}` : day;
}

function chartOptions() {
  return {
    autoSize: true,
    layout: {
      background: { type: "solid", color: colour("panel") },
      textColor: colour("muted"),
      fontFamily: FONT,
      fontSize: 12,
      attributionLogo: HAS_LOGO,
      panes: { separatorColor: colour("rule"), separatorHoverColor: colour("rule"), enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("grid") } },
    rightPriceScale: { borderVisible: false, entireTextOnly: true },
    timeScale: { borderColor: colour("rule"), minBarSpacing: 0.0005, rightOffset: 2, enableConflation: true },
    crosshair: {
      mode: LightweightCharts.CrosshairMode.Normal,
      vertLine: { color: colour("muted"), labelBackgroundColor: colour("label") },
      horzLine: { color: colour("muted"), labelBackgroundColor: colour("label") },
    },
    // the page scrolls under a finger or a wheel; a chart takes the wheel only once it was clicked
    handleScroll: { vertTouchDrag: false, mouseWheel: false },
    handleScale: { mouseWheel: false },
  };
}

function takeWheelOnceClicked(chart, element) {
  const take = (mouseWheel) => chart.applyOptions({ handleScroll: { mouseWheel }, handleScale: { mouseWheel } });
  element.addEventListener("pointerdown", () => take(true));
  element.addEventListener("pointerleave", () => take(false));
}
