// What every page does: posts carry the session's token, and a part that streams says so when its stream is cut.
"use strict";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.querySelector('meta[name="csrf"]').content;
});

// <div data-stream="/bot/A/events">: each event's data replaces the HTML of the element whose id is the event's name
// within it. The server sends something at least every two seconds; silence of STALE_MS is staleness. A tab that nobody
// looks at keeps no stream: a browser has six connections to a server, and a seventh tab would wait for ever.
const STALE_MS = 4000;

// On a phone the bar is wider than the screen: the part that a page belongs to is brought into view.
const bar = document.querySelector("nav.site .wide");
const here = bar?.querySelector("[aria-current]");
if (here) bar.scrollLeft = here.offsetLeft + here.offsetWidth - bar.clientWidth;

for (const part of document.querySelectorAll("[data-stream]")) {
  let heard = Date.now();
  let source = null;
  const hear = () => { heard = Date.now(); mark(); };
  const mark = () => {
    const isStale = Date.now() - heard > STALE_MS;
    part.classList.toggle("stale", isStale);
    document.documentElement.classList.toggle("is-stale", isStale);
  };
  const open = () => {
    close();
    source = new EventSource(part.dataset.stream);
    source.addEventListener("beat", hear);
    for (const name of (part.dataset.parts || "").split(" ").filter(Boolean)) {
      source.addEventListener(name, (event) => {
        hear();
        const shown = document.getElementById(name);
        if (shown && shown.innerHTML !== event.data) { replace(shown, event.data); htmx.process(shown); }
      });
    }
  };
  const close = () => source?.close();
  if (!document.hidden) open();
  setInterval(mark, 500);
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
}

// New content of an element, scrolled and focused as the old one was: who reads or walks it by keys stays where he is.
function replace(shown, html) {
  const parts = () => [...shown.querySelectorAll(".scroll, a, button, input, select, summary")];
  const before = parts();
  const places = before.map((one) => [one.scrollTop, one.scrollLeft]);
  const focused = before.indexOf(document.activeElement);
  shown.innerHTML = html;
  const after = parts();
  places.forEach(([top, left], i) => { if (top || left) after[i]?.scrollTo(left, top); });
  if (focused >= 0) after[focused]?.focus({ preventScroll: true });
}
