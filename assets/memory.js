// What the browser keeps for a page, under a name of the app's own. data: {name, state, forget}: a state that is not
// empty is kept; where it is empty, what was kept before is sent as the state `kept`.

export default function ({ data, setStateValue }) {
  try {
    if (data.forget) localStorage.removeItem(data.name);
    else if (data.state) localStorage.setItem(data.name, data.state);
    else setStateValue("kept", localStorage.getItem(data.name) || "");
  } catch {
    // A browser that lets pages keep nothing: the address still has it.
  }
}
