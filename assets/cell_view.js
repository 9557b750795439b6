// Shows the arithmetic of one cell. data: {html}. Every link with data-go, an arrow key and a move trigger `go` with
// {layer, channel, row, column}. Whoever asks the system for less motion gets one cell at a time instead of a film.

const PAUSE = 900; // milliseconds from one cell of a film to the next
const MOVES = { left: [0, -1], right: [0, 1], up: [-1, 0], down: [1, 0] };
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cell");
  if (root.shown === data.html) return;
  const focused = root.getRootNode().activeElement;
  const inside = focused && root.contains(focused);
  const before = root.querySelector(".own")?.dataset.place;
  root.shown = data.html;
  root.innerHTML = data.html;

  const go = (target) => setTriggerValue("go", target);
  for (const link of root.querySelectorAll("[data-go]")) {
    const target = JSON.parse(link.dataset.go);
    const address = new URL(window.location.href);
    for (const [name, value] of Object.entries(target)) address.searchParams.set(name, value);
    link.href = address.href;
    link.onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in a tab of its own, as everywhere
      event.preventDefault();
      root.playing = false;
      go(target);
    };
  }

  const own = root.querySelector(".own");
  if (own) prepare(root, own, go);
  else root.playing = false;
  if (!inside) return;
  // The keyboard goes on where it was; behind a link, at the sentence about what it opened.
  const same = focused.dataset.key && root.querySelector(`[data-key="${focused.dataset.key}"]`);
  const moved = own && before && JSON.parse(before).layer !== JSON.parse(own.dataset.place).layer;
  (same && !moved ? same : root.querySelector("h3")).focus({ preventScroll: Boolean(same) });
}

function prepare(root, own, go) {
  const place = JSON.parse(own.dataset.place);
  const [rows, columns] = JSON.parse(own.dataset.grid);
  const to = (row, column) => {
    if (row < 0 || column < 0 || row >= rows || column >= columns) return false;
    go({ ...place, row, column });
    return true;
  };
  const move = (name) => to(place.row + MOVES[name][0], place.column + MOVES[name][1]);
  own.onclick = (event) => {
    const box = own.getBoundingClientRect();
    const share = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    root.playing = false;
    to(Math.min(rows - 1, Math.floor(share[0] * rows)), Math.min(columns - 1, Math.floor(share[1] * columns)));
  };
  own.onkeydown = (event) => {
    if (!KEYS[event.key]) return;
    event.preventDefault();
    root.playing = false;
    move(KEYS[event.key]);
  };
  for (const name of Object.keys(MOVES)) {
    const button = root.querySelector(`[data-key="${name}"]`);
    button.onclick = () => {
      root.playing = false;
      move(name);
    };
  }
  const play = root.querySelector(".play");
  const [start, stop, next] = JSON.parse(play.dataset.texts);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const label = () => (play.textContent = still ? next : root.playing ? `◼ ${stop}` : `▶ ${start}`);
  const step = () => {
    if (to(place.row, place.column + 1)) return;
    root.playing = false;
    label();
  };
  play.onclick = () => {
    if (still) return step();
    root.playing = !root.playing;
    label();
    if (root.playing && !to(place.row, (place.column + 1) % columns)) root.playing = false;
  };
  label();
  clearTimeout(root.timer);
  if (root.playing) root.timer = setTimeout(() => root.playing && root.isConnected && step(), PAUSE);
}
