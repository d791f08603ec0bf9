// The operator's page: one link to the server, buttons and keys that ask, views and panels that show.

import { Goals } from "./goals.js";
import { Link, ask } from "./link.js";
import { Panels, element } from "./panels.js";
import { Views } from "./views.js";

// Whoever presses it looks at the arm, and must know soon that another stop is needed.
const ESTOP_MS = 2000;

const views = new Views();
const panels = new Panels();
const goals = new Goals(say);
const buttons = [...document.querySelectorAll("button[data-do]")];
let connected = false;
let hiding = 0;

new Link({
  onFacts(facts) {
    panels.show(facts);
    views.caption(facts);
    goals.show(facts);
    allow(facts);
  },
  onPicture(name, stamp, bytes) {
    return name === "goal_strip" ? goals.strip(bytes) : views.take(name, bytes);
  },
  onChange(now) {
    connected = now;
    element("link").classList.toggle("on", now);
    element("lost").hidden = now;
    if (now) panels.forget();
    else for (const button of buttons) button.disabled = button.dataset.do !== "estop";
  },
});

const speed = element("speed");
speed.addEventListener("change", async () => say(await ask(`speed/${speed.value}`)));

// A button that cannot be pressed says why; the line below them says what to do next.
function allow({ blocked, arm, policy }) {
  const enabled = arm && !["disabled", "estopped"].includes(arm.mode);
  show("enable", !enabled);
  show("disable", enabled);
  for (const button of buttons) {
    const why = blocked[button.dataset.do] ?? "";
    button.disabled = Boolean(why) || button.classList.contains("waiting");
    if (button.dataset.do !== "estop") button.title = why;
  }
  if (policy?.speed && document.activeElement !== speed) {
    const percent = String(Math.round(100 * policy.speed));
    if (![...speed.options].some(({ value }) => value === percent)) speed.add(new Option(`${percent} %`, percent));
    speed.value = percent;
  }
  const hint = !arm ? blocked.enable : !policy ? blocked.start : policy.state === "running" ? policy.reason : blocked.start || policy.reason;
  element("hint").textContent = hint ? `${hint[0].toUpperCase()}${hint.slice(1)}.` : policy?.state === "running" ? "" : "Ready: press Start.";
  element("hint").classList.toggle("problem", Boolean(hint));
}

function show(name, shown) {
  document.querySelector(`button[data-do=${name}]`).hidden = !shown;
}

async function press(button) {
  button.classList.add("waiting");
  const command = button.dataset.do;
  say(await ask(`do/${command}`, command === "estop" ? { timeoutMs: ESTOP_MS } : {}), command);
  button.classList.remove("waiting");
}

// A refusal is shown until it was read; that an e-stop was not confirmed stays until the next try.
function say({ success, message }, command = "") {
  clearTimeout(hiding);
  const toast = element("toast");
  const worst = command === "estop" && !success;
  toast.textContent = worst ? `E-STOP NOT CONFIRMED: ${message}. Use the hardware stop.` : message;
  toast.classList.toggle("fine", success);
  toast.hidden = !message;
  if (!worst) hiding = setTimeout(() => (toast.hidden = true), success ? 1800 : 6000);
}

for (const button of buttons) button.addEventListener("click", () => press(button));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === " ") {
    event.preventDefault();
    return press(element("estop"));
  }
  if (event.target.matches("select")) return;
  // What moves the arm or throws something away needs shift; a stop never does.
  const fits = ({ dataset }) => dataset.key === event.key.toLowerCase() && (event.shiftKey || dataset.shift === undefined);
  const wanted = buttons.find((button) => fits(button) && !button.hidden && !button.disabled);
  if (connected && wanted) {
    event.preventDefault();
    press(wanted);
  }
});

// A space that is released over a focused button would press it as well.
document.addEventListener("keyup", (event) => event.key === " " && event.preventDefault());
