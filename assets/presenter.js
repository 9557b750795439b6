// Shows one figure of the page at a time, and goes on by buttons and keys. data: {labels: {back, next, end}}.
// The number of the figure stands in the address as `figure`. A page with its own steps, the tour, keeps them: the keys
// press its buttons. Triggers: `go` with "next" or "back" behind the last and before the first figure, and `end`.

const MAIN = ".stMainBlockContainer";
const FIGURES =
  ".stPlotlyChart, .stBidiComponent, .stImage, .stDataFrame, .katex-display, [data-testid=stMetric], .strip, .stTable";
const ROW = "[data-testid=stHorizontalBlock], [data-testid=stVerticalBlock][direction=row]";
const TEXT = ".stMarkdown, .stHtml, .stAlert, .stLatex";
const OWN_STEPS = ".st-key-tour_buttons";
const NEXT = ["ArrowRight", "PageDown", " "];
const BACK = ["ArrowLeft", "PageUp"];
const LEAST = 40; // pixels of a figure's height: less is a line, or not drawn yet
const SETTLED = 150; // ms after the last change of the page

export default function ({ data, parentElement, setTriggerValue }) {
  const [back, next, end] = ["back", "next", "end"].map((name) => parentElement.querySelector(`[name=${name}]`));
  for (const [button, name] of [[back, "back"], [next, "next"], [end, "end"]]) button.title = data.labels[name];
  back.textContent = `← ${data.labels.back}`;
  next.textContent = `${data.labels.next} →`;
  end.ariaLabel = data.labels.end;
  let shown = 0;
  let figures = [];
  let waiting;

  function arrange() {
    const own = document.querySelector(OWN_STEPS);
    document.documentElement.dataset.presenting = own ? "steps" : "figures";
    watcher.disconnect();
    unmark();
    figures = own ? [] : figuresOf(document.querySelector(MAIN));
    shown = Math.min(Math.max(asked(), 1), figures.length || 1);
    if (figures.length) showOnly(figures[shown - 1]);
    parentElement.querySelector("span").textContent = figures.length ? `${shown} / ${figures.length}` : "";
    dispatchEvent(new Event("resize")); // charts take the room that they have now
    watcher.observe(document.body, { childList: true, subtree: true }); // the whole, because Streamlit replaces parts
  }

  function step(by) {
    const own = document.querySelector(OWN_STEPS);
    if (own) {
      own.querySelector(by > 0 ? "button[kind=primary]" : "button:not([kind=primary])")?.click();
    } else if (shown + by < 1 || shown + by > figures.length) {
      setTriggerValue("go", by > 0 ? "next" : "back");
    } else {
      const url = new URL(location.href);
      url.searchParams.set("figure", shown + by);
      history.replaceState(history.state, "", url);
      arrange();
      scrollTo(0, 0);
      document.querySelector("[data-testid=stMain], .stMain").scrollTop = 0;
    }
  }

  function onKey(event) {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest?.("input, textarea, select, [role=slider]")) return;
    if (event.key === " " && target.closest?.("button, a, [role=button]")) return;
    const by = NEXT.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    step(by);
  }

  const watcher = new MutationObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, SETTLED);
  });
  back.onclick = () => step(-1);
  next.onclick = () => step(1);
  end.onclick = () => setTriggerValue("end", true);
  document.addEventListener("keydown", onKey);
  arrange();
  waiting = setTimeout(arrange, 4 * SETTLED); // what stood there before it was drawn
  return () => {
    clearTimeout(waiting);
    watcher.disconnect();
    document.removeEventListener("keydown", onKey);
    delete document.documentElement.dataset.presenting;
    unmark();
  };
}

function asked() {
  return Number.parseInt(new URLSearchParams(location.search).get("figure") ?? "1", 10) || 1;
}

function unmark() {
  for (const element of document.querySelectorAll("[data-slide]")) delete element.dataset.slide;
}

// What stands for itself: a chart, a drawing, a table, pictures or figures in a row, formulas with their drawing.
function figuresOf(main) {
  const found = [];
  for (const figure of main.querySelectorAll(FIGURES)) {
    if (figure.closest(".st-key-presenter, .st-key-layer_steps, details:not([open])") || figure.getBoundingClientRect().height < LEAST) continue;
    const unit = unitOf(figure);
    if (!found.some((other) => other.contains(unit))) {
      for (let i = found.length - 1; i >= 0; i--) if (unit.contains(found[i])) found.splice(i, 1);
      found.push(unit);
    }
  }
  return found;
}

function unitOf(figure) {
  const single = figure.closest("[data-testid=stElementContainer]") ?? figure;
  const row = single.parentElement.closest(ROW);
  if (!row || row.querySelector(".stFileUploader")) return single;
  if (figure.matches(".katex-display") || row.querySelector(".katex-display")) return row;
  if (row.querySelector(".stSelectbox, .stSlider, [data-testid=stExpander]")) return single;
  const kind = figure.matches(".stImage") ? ".stImage" : "[data-testid=stMetric]";
  const all = [...row.querySelectorAll(FIGURES)];
  return figure.matches(kind) && all.every((other) => other.matches(kind)) ? row : single;
}

// The figure, its legend, the texts that follow it, and the page's headline and finding; all else is hidden.
function showOnly(figure) {
  const shown = new Set([figure, ...document.querySelectorAll(`${MAIN} h2, ${MAIN} .st-key-finding`)]);
  const legend = figure.previousElementSibling;
  if (legend?.querySelector(".legend")) shown.add(legend);
  let text = figure.nextElementSibling;
  while (text?.matches("[data-testid=stElementContainer]") && text.querySelector(TEXT) && !text.querySelector(FIGURES)) {
    shown.add(text);
    text = text.nextElementSibling;
  }
  const main = document.querySelector(MAIN);
  const kept = new Set();
  for (const element of shown) for (let e = element; e && e !== main; e = e.parentElement) kept.add(e);
  const hide = (parent) => {
    for (const child of parent.children) {
      if (shown.has(child) || child.matches(".st-key-presenter, style, script") || child.querySelector(".st-key-presenter")) {
        if (!shown.has(child) && !child.matches(".st-key-presenter, style, script")) hide(child);
        continue;
      }
      if (kept.has(child)) hide(child);
      else child.dataset.slide = "off";
    }
  };
  hide(main);
  figure.dataset.slide = "on";
}
