// Shows source code whose lines can be clicked. data: {html, selected, label}; html has <span id="line-12"> for each
// line; a click on one triggers `clicked` with its number.

export default function ({ data, parentElement, setTriggerValue }) {
  const code = parentElement.querySelector(".listing");
  if (code.dataset.source !== data.html) {
    code.dataset.source = data.html;
    code.innerHTML = data.html;
    code.setAttribute("aria-label", data.label);
    code.querySelector("pre").tabIndex = 0; // arrow keys scroll it
    code.onclick = (event) => {
      const line = event.target.closest("[id^='line-']");
      if (line) setTriggerValue("clicked", Number(line.id.slice("line-".length)));
    };
  }
  for (const line of code.querySelectorAll(".selected")) line.classList.remove("selected");
  const selected = data.selected && code.querySelector(`#line-${data.selected}`);
  if (selected) {
    selected.classList.add("selected");
    const pre = code.querySelector("pre");
    pre.scrollTop = selected.offsetTop - pre.offsetTop - pre.clientHeight / 2;
  }
}
