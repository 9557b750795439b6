// What the browser keeps for a page, under a name of the app's own. data: {name, state, ask}: a state that is not empty
// is kept, an empty one is forgotten; where the page asks, what was kept before is sent as the state `kept` instead.

let sent;

export default function ({ data, setStateValue }) {
  try {
    const kept = localStorage.getItem(data.name);
    if (data.state) localStorage.setItem(data.name, data.state);
    else if (!data.ask) localStorage.removeItem(data.name);
    else if (kept && kept !== sent) setStateValue("kept", (sent = kept));
  } catch {
    // A browser that lets pages keep nothing: the address still has it.
  }
}
