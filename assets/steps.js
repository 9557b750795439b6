// Buttons and keys that step through a list. data: {stops, at, labels, keys}: the stops by name, the one that is shown,
// and of "back" and "next" the label and the key. The trigger `go` gets the name of a stop, and not a direction: of
// presses that come faster than the app draws, only the last arrives there, and it must lead as far as all of them.

const PATIENCE = 3000; // ms for which a press counts on from the one before, which the page does not show yet

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".steps");
  if (root.wanted === data.at) root.wanted = undefined;

  const target = (by) => {
    const pressed = root.wanted !== undefined && performance.now() - root.pressed < PATIENCE;
    const place = data.stops.indexOf(pressed ? root.wanted : data.at);
    return data.stops[place < 0 ? 0 : place + by];
  };
  const step = (by) => {
    const stop = target(by);
    if (stop === undefined) return;
    root.wanted = stop;
    root.pressed = performance.now();
    setTriggerValue("go", stop);
    show();
  };
  const show = () => {
    for (const [name, by] of [["back", -1], ["next", 1]]) {
      const button = root.querySelector(`[name=${name}]`);
      button.querySelector("span").textContent = data.labels[name];
      button.querySelector("kbd").textContent = data.keys[name].toUpperCase();
      button.setAttribute("aria-keyshortcuts", data.keys[name]);
      button.disabled = target(by) === undefined;
      button.onclick = () => step(by);
    }
  };
  const onKey = (event) => {
    const typing = event.composedPath()[0].closest?.("input, textarea, select, [contenteditable=true]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === data.keys.back) step(-1);
    else if (key === data.keys.next) step(1);
  };
  show();
  // Streamlit calls this for each change of the data, and what it returns only when the component goes.
  document.removeEventListener("keydown", root.onKey);
  document.addEventListener("keydown", (root.onKey = onKey));
  return () => document.removeEventListener("keydown", root.onKey);
}
