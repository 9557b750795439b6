// The keyboard goes into a popover that it opens, and back to its button where Esc closes it. Popovers stand at the end
// of the document, behind everything else that Tab would visit.

const BUTTON = "[data-testid=stPopoverButton]";
const BODY = "[data-testid=stPopoverBody]";
const STOPS = "a[href], button:not([disabled]), input:not([disabled]), textarea, select, [tabindex='0']";

export default function () {
  let opener;
  const onKey = (event) => {
    const button = event.target.closest?.(BUTTON);
    if (event.key === "Escape" && event.target.closest?.(BODY)) {
      setTimeout(() => opener?.isConnected && !document.querySelector(BODY) && opener.focus(), 100);
    } else if (button && (event.key === "Enter" || event.key === " ") && button.ariaExpanded !== "true") {
      opener = button;
      setTimeout(enter, 50, 20, button);
    }
  };
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

// Its controls come one by one, so the focus moves to one that comes before, unless the reader has gone on.
function enter(tries, given) {
  const all = document.querySelector(BODY)?.querySelectorAll(STOPS) ?? [];
  const first = [...all].find((stop) => stop.getClientRects().length);
  const active = document.activeElement;
  if (active !== given && !active.closest(BUTTON)) return;
  if (first) first.focus();
  if (tries) setTimeout(enter, 150, tries - 1, first ?? given);
}
