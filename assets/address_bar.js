// The button that copies the address, and the address itself: it follows what the server says of the page.
// data: {session, language, page, visit, names, query, push, show, keep, cookies, labels}, as pages/parts/address.py
// sends them.

const COOKIE = "inception_pictures";
const KEPT = 3600; // seconds
const CONFIRMED = 2500; // ms
const cookies = {}; // that this tab has set
let session;
let shownVisit;

export default function ({ data, parentElement }) {
  // A new session in an old tab: the server has restarted or forgotten it. The address still says what was shown.
  if (session && session !== data.session) {
    session = data.session;
    location.reload();
    return;
  }
  session = data.session;
  document.documentElement.lang = data.language; // Streamlit's page says English
  follow(data);
  if (data.keep) keep(data.keep);
  for (const [name, [value, seconds]] of Object.entries(data.cookies)) {
    if (cookies[name] !== value) setCookie(name, value, seconds); // another tab may have set it anew since
    cookies[name] = value;
  }
  if (data.show && shownVisit !== data.visit) scrollTo(data.show, 40);
  shownVisit = data.visit;

  const button = parentElement.querySelector("button");
  const byHand = parentElement.querySelector("input");
  parentElement.querySelector("span").textContent = data.labels.copy;
  byHand.ariaLabel = data.labels.by_hand;
  byHand.hidden = byHand.value !== location.href;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      say(parentElement, data.labels.copied);
      byHand.hidden = true;
      setTimeout(() => say(parentElement, ""), CONFIRMED);
    } catch {
      byHand.value = location.href;
      byHand.hidden = false;
      byHand.focus();
      byHand.select();
      say(parentElement, data.labels.by_hand);
    }
  };
}

// One entry of the browser's history for each choice of the reader's, none for what the page adds by itself.
function follow({ names, query, push }) {
  const url = new URL(location.href);
  for (const name of names) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (sorted(url.search) === sorted(location.search)) return;
  history[push ? "pushState" : "replaceState"](history.state, "", url);
}

function sorted(search) {
  const parameters = new URLSearchParams(search);
  parameters.sort();
  return parameters.toString();
}

// Several tabs have a secret each; the last four stay.
function keep(secret) {
  const known = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${COOKIE}=`));
  const others = known ? known.slice(COOKIE.length + 1).split(".") : [];
  const all = [...others.filter((other) => other && other !== secret), secret].slice(-4).join(".");
  setCookie(COOKIE, all, KEPT);
}

function setCookie(name, value, seconds) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${value ? seconds : 0}; SameSite=Strict${secure}`;
}

function scrollTo(key, tries) {
  if (document.documentElement.dataset.presenting) return; // which shows one figure at a time
  const place = document.querySelector(`.st-key-${key}`);
  if (place) {
    place.style.scrollMarginTop = "4rem"; // of Streamlit's header
    const top = place.getBoundingClientRect().top;
    if (top < 0 || top > 0.7 * innerHeight) place.scrollIntoView({ block: "start" });
  } else if (tries) setTimeout(() => scrollTo(key, tries - 1), 250);
}

function say(parentElement, text) {
  parentElement.querySelector("[role=status]").textContent = text;
}
