// Lets charts that are saved as SVG or PNG bring the fonts of the page. plotly.js makes the file from an <svg> that
// stands by itself, where they are unknown: text would be wider than measured, and cut, or have empty boxes for letters.
// It lets nothing be added but on the way through XMLSerializer. data: the names of the fonts.

let rules = "";
let started = false;

export default function ({ data }) {
  if (started) return;
  started = true;
  const serialize = XMLSerializer.prototype.serializeToString;
  XMLSerializer.prototype.serializeToString = function (node) {
    const text = serialize.call(this, node);
    return node.classList?.contains("main-svg") ? text.replace(/<svg[^>]*>/, (tag) => tag + rules) : text;
  };
  // Not before someone comes near the buttons of a chart: most readers save none.
  const near = async ({ target }) => {
    if (!target.closest?.("[data-testid=stPlotlyChart]")) return;
    removeEventListener("pointerover", near);
    removeEventListener("focusin", near);
    rules = `<style>${(await Promise.all(data.map(face))).join("")}</style>`;
  };
  addEventListener("pointerover", near);
  addEventListener("focusin", near);
}

// A font of the page as a rule that has it inside.
async function face(family) {
  const found = [...document.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules])
    .find((rule) => rule instanceof CSSFontFaceRule && rule.style.fontFamily.replaceAll(/["']/g, "") === family);
  const url = found?.style.src.match(/url\("?([^")]+)/)?.[1];
  if (!url) return "";
  const reader = new FileReader();
  const place = new URL(url, found.parentStyleSheet.href ?? document.baseURI);
  reader.readAsDataURL(await (await fetch(place)).blob());
  await new Promise((done) => (reader.onload = done));
  const weights = found.style.fontWeight || "normal";
  return `@font-face { font-family: "${family}"; font-weight: ${weights}; src: url(${reader.result}); }`;
}
