// Brings what a choice has opened into sight, and the row of a table that was chosen elsewhere.
// data: {show, turn, table, row}: the key of a container, another number after each choice, the key of a table and its
// row, or null.

const ROW = 35; // px, of Streamlit's tables
const HEADER = "4rem"; // stays above what is scrolled
const last = {}; // turn, by the key of the container
let scrolled;

export default function ({ data }) {
  if (data.show in last && last[data.show] !== data.turn) reveal(data.show, 20);
  last[data.show] = data.turn;
  if (!data.table) return;
  const place = `${data.table} ${data.row}`;
  if (data.row !== null && place !== scrolled) scrollTable(data.table, data.row, 20);
  scrolled = place;
}

// Only where its top is out of sight: on a wide screen it stands beside the table.
function reveal(key, tries) {
  const container = document.querySelector(`.st-key-${key}`);
  if (!container) {
    if (tries) setTimeout(() => reveal(key, tries - 1), 250);
    return;
  }
  const top = container.getBoundingClientRect().top;
  container.style.scrollMarginTop = HEADER;
  if (top < 0 || top > innerHeight - 4 * ROW) container.scrollIntoView({ block: "start", behavior: "smooth" });
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
