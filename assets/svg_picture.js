// Shows an SVG picture, or the one for narrow places where its letters would shrink by more than a tenth.
const SMALLEST = 0.9;
const fits = new WeakMap();

export default ({ data, parentElement }) => {
  const drawn = parentElement.querySelector(".drawn");
  let shown;
  const fit = () => {
    const width = Number(/ width="([\d.]+)/.exec(data.svg)?.[1]);
    const room = drawn.clientWidth;
    const picture = data.narrow && room && room < SMALLEST * width ? data.narrow : data.svg;
    if (picture !== shown) drawn.innerHTML = shown = picture;
  };
  fits.get(drawn)?.disconnect();
  const observer = new ResizeObserver(fit);
  fits.set(drawn, observer);
  observer.observe(drawn);
  fit();
  return () => observer.disconnect();
};
