// Brings what a choice has opened into sight, and the row of a table that was chosen elsewhere.
// data: {show, turn, table, row}: the key of a container, another number after each choice, the key of a table and its
// row, or null.

const ROW = 35; // px, of Streamlit's tables
const HEADER = "4rem"; // stays above what is scrolled
const AGAIN = 700; // ms, after which a smooth scroll is over
const last = {}; // turn, by the key of the container
let scrolled;
let touched = 0; // when the reader last did something

for (const act of ["wheel", "touchmove", "pointerdown", "keydown"])
  addEventListener(act, () => (touched = performance.now()), { capture: true, passive: true });

export default function ({ data }) {
  if (data.show in last && last[data.show] !== data.turn) reveal(data.show, 20, performance.now());
  last[data.show] = data.turn;
  if (!data.table) return;
  const place = `${data.table} ${data.row}`;
  if (data.row !== null && place !== scrolled) scrollTable(data.table, data.row, 20);
  scrolled = place;
}

// Only where its top is out of sight: on a wide screen it stands beside the table. Once more where the page has changed
// its length meanwhile, which stops a scroll, unless the reader has moved on.
function reveal(key, tries, begun) {
  if (!tries || touched > begun) return;
  const container = document.querySelector(`.st-key-${key}`);
  if (!container) {
    setTimeout(() => reveal(key, tries - 1, begun), 250);
    return;
  }
  const top = container.getBoundingClientRect().top;
  container.style.scrollMarginTop = HEADER;
  if (top >= 0 && top <= innerHeight - 4 * ROW) return;
  container.scrollIntoView({ block: "start", behavior: "smooth" });
  setTimeout(() => reveal(key, Math.min(tries - 1, 3), begun), AGAIN);
}

function scrollTable(key, row, tries) {
  const scroller = document.querySelector(`.st-key-${key} .dvn-scroller`);
  if (!scroller) {
    if (tries) setTimeout(() => scrollTable(key, row, tries - 1), 250);
    return;
  }
  const height = scroller.clientHeight - ROW;
  const top = row * ROW - scroller.scrollTop;
  if (top < 0 || top + ROW > height) scroller.scrollTop = row * ROW - (height - ROW) / 2;
}
