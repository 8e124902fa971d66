// The page of an account: what the equity was under the pointer, and a command that no server answered.
"use strict";

// The curve is sent anew while one points at it: the listener is on the document, the picture found each time.
document.addEventListener("pointermove", (event) => {
  const figure = event.target.closest?.("[data-curve]");
  for (const other of document.querySelectorAll("[data-curve]")) if (other !== figure) point(other, null);
  if (figure) point(figure, event.clientX);
});

function point(figure, clientX) {
  const cursor = figure.querySelector(".cursor");
  const said = figure.querySelector(".pointed");
  const box = figure.querySelector(".plot").getBoundingClientRect();
  let nearest = null;
  if (clientX !== null) {
    const at = (1000 * (clientX - box.left)) / box.width;
    const points = JSON.parse(figure.dataset.curve);
    nearest = points.reduce((best, one) => (Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best));
  }
  for (const end of ["x1", "x2"]) cursor.setAttribute(end, nearest ? nearest[0] : 0);
  cursor.setAttribute("visibility", nearest ? "visible" : "hidden");
  said.textContent = nearest ? `${nearest[1]}: ${nearest[2]}` : "";
}

// A refusal of the gate and a server that is gone say so beside the buttons; whether it was done stands in the account.
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, (event) => {
    const said = document.querySelector("#control .trouble");
    const answer = event.detail.xhr?.responseText;
    if (said) said.textContent = answer ? answer : "tradsys web did not answer. Look below whether it was done before you try again.";
  });
}
