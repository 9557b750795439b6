// Shows an SVG diagram that can be clicked, zoomed by wheel or buttons, dragged, and used from the keyboard.
// data: {svg, selected, labels, fit, jump, roomy}: labels of the buttons by name, and the text of the one that fits all
// in; another number in jump than before brings the selected box into sight. roomy: as on a full screen, all text is
// large enough for the last row, and what does not fit then scrolls; in a page its letters give way a little, so that
// no branch is cut off.
// Boxes are <g class="node" id="...">; a click on one triggers `clicked` with its id.

const ZOOM_STEP = 1.25;
const LARGEST_ZOOM = 12;
const LEAST_TEXT = 14.2; // pixels: 14, and what rounding takes
const LEAST_IN_A_PAGE = 11; // pixels, where the whole width would not fit with more
const AROUND = 60; // pixels of a full screen that buttons and edges take

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  if (frame.dataset.source !== data.svg) {
    frame.dataset.source = data.svg;
    frame.innerHTML = data.svg;
    prepare(frame, (id) => setTriggerValue("clicked", id));
    for (const button of parentElement.querySelectorAll("button")) {
      if (button.name !== "full") button.onclick = () => ({ in: () => frame.zoom(ZOOM_STEP), out: () => frame.zoom(1 / ZOOM_STEP), fit: frame.fit })[button.name]();
    }
  }
  const whole = parentElement.querySelector(".whole");
  const isFull = () => whole.getRootNode().fullscreenElement === whole;
  const size = () => frame.size(isFull() || data.roomy, isFull());
  parentElement.querySelector("[name=full]").onclick = () => (isFull() ? document.exitFullscreen() : whole.requestFullscreen());
  whole.onfullscreenchange = size;
  frame.setAttribute("aria-label", frame.querySelector("svg").getAttribute("aria-label"));
  if (window.ResizeObserver && !frame.watched) (frame.watched = new ResizeObserver(() => frame.resized())).observe(frame);
  frame.resized = size;
  size();
  for (const button of parentElement.querySelectorAll("button")) button.ariaLabel = data.labels[button.name];
  parentElement.querySelector("[name=fit]").textContent = data.fit;
  for (const box of frame.querySelectorAll(".node[id]")) {
    const selected = box.id === data.selected;
    box.classList.toggle("selected", selected);
    box.setAttribute("aria-pressed", selected);
    if (selected && data.jump && frame.dataset.jump !== String(data.jump)) {
      frame.dataset.jump = data.jump;
      box.scrollIntoView({ block: "center", inline: "nearest" });
    }
  }
}

function prepare(frame, click) {
  const svg = frame.querySelector("svg");
  svg.setAttribute("role", "group"); // an image may hold nothing that takes the focus
  const whole = svg.viewBox.baseVal;
  const full = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let view = { ...full };

  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  const scale = () => full.width / view.width;
  let roomy = false;
  frame.size = (wanted, alone) => {
    roomy = wanted;
    frame.classList.toggle("roomy", roomy);
    frame.tabIndex = roomy ? 0 : -1; // arrow keys scroll it
    const sizes = [...svg.querySelectorAll("text")].map((text) => Number.parseFloat(text.getAttribute("font-size") ?? "14"));
    const smallest = Math.min(...sizes);
    const [wide, high] = [frame.clientWidth / full.width, (innerHeight - AROUND) / full.height];
    const least = alone ? LEAST_TEXT : Math.max(Math.min(wide * smallest, LEAST_TEXT), LEAST_IN_A_PAGE);
    const factor = Math.max(Math.min(wide, high), least / smallest);
    svg.style.width = roomy ? `${full.width * factor}px` : "";
    svg.style.height = roomy ? `${full.height * factor}px` : "";
  };
  frame.fit = () => {
    view = { ...full };
    show();
  };
  frame.zoom = (factor, clientX, clientY) => {
    const wanted = Math.min(LARGEST_ZOOM, Math.max(1, scale() * factor));
    const applied = wanted / scale();
    const rect = svg.getBoundingClientRect();
    const fx = clientX === undefined ? 0.5 : (clientX - rect.left) / rect.width;
    const fy = clientY === undefined ? 0.5 : (clientY - rect.top) / rect.height;
    view = {
      x: view.x + view.width * fx * (1 - 1 / applied),
      y: view.y + view.height * fy * (1 - 1 / applied),
      width: view.width / applied,
      height: view.height / applied,
    };
    if (wanted === 1) view = { ...full };
    show();
  };

  svg.addEventListener(
    "wheel",
    (event) => {
      const factor = event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP;
      if (roomy && !event.ctrlKey) return;
      if (factor < 1 && scale() <= 1) return; // nothing to zoom out of: let the page scroll
      event.preventDefault();
      frame.zoom(factor, event.clientX, event.clientY);
    },
    { passive: false },
  );

  let dragged = null;
  svg.addEventListener("pointerdown", (event) => {
    if (scale() > 1) dragged = { x: event.clientX, y: event.clientY, moved: false };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const rect = svg.getBoundingClientRect();
    const [dx, dy] = [event.clientX - dragged.x, event.clientY - dragged.y];
    if (!dragged.moved && Math.hypot(dx, dy) < 4) return;
    if (!dragged.moved) svg.setPointerCapture(event.pointerId);
    view.x -= (dx / rect.width) * view.width;
    view.y -= (dy / rect.height) * view.height;
    dragged = { x: event.clientX, y: event.clientY, moved: true };
    show();
  });
  svg.addEventListener("pointerup", () => setTimeout(() => (dragged = null)));

  for (const box of svg.querySelectorAll(".node[id]")) {
    // Graphviz puts the tooltip on a link; as the box's title it serves screen readers too.
    const link = box.querySelector("a");
    // Of a layer it is the name in the code: what people call it, which stands first in the box, leads.
    const lead = box.id.startsWith("layer") ? `${box.querySelector("text")?.textContent} · ` : "";
    const text = lead + (link?.getAttribute("xlink:title") ?? "");
    link?.removeAttribute("xlink:title");
    box.querySelector("title").textContent = text;
    if (!/^(layer|block|network\d+row|pair)\d/.test(box.id)) continue; // inputs and outputs only tell a shape
    box.setAttribute("role", "button");
    box.setAttribute("tabindex", "0");
    box.setAttribute("aria-label", text);
    box.addEventListener("click", () => {
      if (!dragged?.moved) click(box.id);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      click(box.id);
    });
  }
}
