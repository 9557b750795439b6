// A picture on which one points at a place. data: {picture, alt, dots: [[x, y]], own, truth, active, label}; places are
// shares of width and height. A click, or Enter after the arrow keys, triggers `place` with [x, y].

const STEP = 0.02; // of a side, a press of an arrow key
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".place");
  const image = root.querySelector("img");
  if (image.getAttribute("src") !== data.picture) image.src = data.picture;
  image.alt = data.alt;
  root.querySelector(".marks").replaceChildren(
    ...data.dots.map((place) => mark("dot", place)),
    ...(data.own ? [mark("own", data.own)] : []),
    ...(data.truth ? [mark("truth", data.truth)] : []),
  );
  root.classList.toggle("active", data.active);
  if (!data.active) {
    root.removeAttribute("tabindex");
    root.onclick = root.onkeydown = null;
    return;
  }
  root.tabIndex = 0;
  root.role = "button";
  root.ariaLabel = data.label;
  root.onclick = (event) => {
    const box = image.getBoundingClientRect();
    const place = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    setTriggerValue("place", place.map(inside));
  };
  let at = data.own || [0.5, 0.5];
  root.onkeydown = (event) => {
    const move = MOVES[event.key];
    if (!move && event.key !== "Enter") return;
    event.preventDefault();
    if (!move) return setTriggerValue("place", at);
    at = at.map((share, axis) => inside(share + STEP * move[axis]));
    root.querySelector(".marks .own")?.remove();
    root.querySelector(".marks").append(mark("own", at));
  };
}

function inside(share) {
  return Math.round(Math.min(1, Math.max(0, share)) * 1e4) / 1e4;
}

function mark(kind, [x, y]) {
  const place = document.createElement("i");
  place.className = kind;
  place.style.left = `${100 * x}%`;
  place.style.top = `${100 * y}%`;
  return place;
}
