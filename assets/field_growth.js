// Plays how the receptive field grows from layer to layer. data: {picture, size: [height, width], layers: [{name, code,
// field, box: [top, left, height, width], go}], here, texts: {start, stop, next, open, label}}. Where less motion is
// asked for, the button goes on by one layer. The link triggers `go` with {layer}.

const PAUSE = 500; // milliseconds a layer

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".growth");
  const source = JSON.stringify([data.layers, data.picture.length, data.texts]);
  if (root.source !== source) {
    root.source = source;
    clearTimeout(root.timer);
    const [height, width] = data.size;
    root.innerHTML = `<div class="photo"><img alt=""><svg viewBox="0 0 ${width} ${height}" aria-hidden="true">
      <rect class="under"/><rect class="over"/></svg></div><div class="text"><p class="name" aria-live="polite"></p>
      <p><code></code></p><p class="field"></p><input type="range" min="0" max="${data.layers.length - 1}">
      <p><button class="play"></button> <a href="#"></a></p></div>`;
    root.querySelector("img").src = data.picture;
    root.at = data.here;
    prepare(root, data, setTriggerValue);
  } else if (root.here !== data.here) {
    root.at = data.here;
    root.show();
  }
  root.here = data.here;
}

function prepare(root, data, setTriggerValue) {
  const find = (what) => root.querySelector(what);
  const range = find("input");
  const play = find(".play");
  const link = find("a");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  range.setAttribute("aria-label", data.texts.label);
  link.textContent = data.texts.open;
  const last = data.layers.length - 1;
  root.show = () => {
    const layer = data.layers[root.at];
    const [top, left, height, width] = layer.box;
    for (const rect of root.querySelectorAll("rect")) {
      for (const [name, value] of Object.entries({ x: left, y: top, width, height })) rect.setAttribute(name, value);
    }
    find(".name").textContent = layer.name;
    find("code").textContent = layer.code;
    find(".field").textContent = layer.field;
    range.value = root.at;
    range.setAttribute("aria-valuetext", `${layer.name}: ${layer.field}`);
    play.textContent = still ? data.texts.next : root.playing ? `◼ ${data.texts.stop}` : `▶ ${data.texts.start}`;
    const address = new URL(window.location.href);
    address.searchParams.set("layer", layer.path);
    link.href = address.href;
  };
  const stop = () => {
    root.playing = false;
    clearTimeout(root.timer);
  };
  const step = () => {
    if (!root.isConnected) return;
    if (root.at < last) root.at += 1;
    if (root.at === last) stop();
    root.show();
    if (root.playing) root.timer = setTimeout(step, PAUSE);
  };
  range.oninput = () => {
    stop();
    root.at = Number(range.value);
    root.show();
  };
  play.onclick = () => {
    if (still) {
      root.at = (root.at + 1) % data.layers.length;
      return root.show();
    }
    if (root.playing) {
      stop();
      return root.show();
    }
    root.playing = true;
    root.at = -1; // from the first layer
    step();
  };
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    stop();
    setTriggerValue("go", { layer: data.layers[root.at].path });
  };
  root.show();
}
