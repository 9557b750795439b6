// The tips of terms: Esc closes the one that shows, until the pointer or the focus comes back; none leaves the window.

const EDGE = 8; // pixels between a tip and the edge of the window

let listening = false; // in this window, once for all pages

export default function () {
  if (listening) return;
  listening = true;
  const onKey = (event) => {
    if (event.key !== "Escape") return;
    for (const term of document.querySelectorAll(".term:hover, .term:focus")) term.dataset.closed = "";
  };
  const onShow = (event) => {
    const term = event.target.closest?.(".term");
    if (!term) return;
    const tip = term.querySelector(".tip");
    tip.style.translate = "";
    const { left, right } = tip.getBoundingClientRect();
    const main = document.querySelector(".stMain")?.getBoundingClientRect();
    const over = Math.max(0, right - ((main?.right ?? innerWidth) - EDGE));
    if (over) tip.style.translate = `${-Math.min(over, left - EDGE)}px`;
  };
  const onLeave = (event) => {
    const term = event.target.closest?.(".term");
    if (term && !term.contains(event.relatedTarget)) delete term.dataset.closed;
  };
  const listeners = { keydown: onKey, mouseover: onShow, focusin: onShow, mouseout: onLeave, focusout: onLeave };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
}
