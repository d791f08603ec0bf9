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
block();

new Link({
  onFacts(facts) {
    panels.show(facts);
    if (facts.arm?.mode === "estopped") element("unconfirmed").hidden = true;
    views.caption(facts);
    goals.show(facts);
    allow(facts);
  },
  onPicture(name, ageMs, bytes) {
    return name === "goal_strip" ? goals.strip(bytes) : views.take(name, ageMs, bytes);
  },
  onChange(now) {
    connected = now;
    element("link").classList.toggle("on", now);
    element("lost").hidden = now;
    document.body.classList.toggle("lost", !now);
    if (now) panels.forget();
    else lose();
  },
});

// What was heard last may not hold any more, and nothing of it is shown as if it did.
function lose() {
  panels.lose();
  views.lose();
  element("hint").textContent = "";
  block();
}

function block() {
  for (const button of buttons) button.disabled = button.dataset.do !== "estop";
}

// Shows what was asked for until it is answered, and then what the policy says.
const speed = element("speed");
speed.addEventListener("change", async () => {
  speed.classList.add("waiting");
  say(await ask(`speed/${speed.value}`));
  speed.classList.remove("waiting");
});

// A button that cannot be pressed says why; the line below them says what to do next.
function allow({ blocked, arm, policy }) {
  const enabled = arm && !["disabled", "estopped"].includes(arm.mode);
  show("enable", !enabled);
  show("disable", enabled);
  for (const button of buttons) {
    const why = blocked[button.dataset.do] ?? "";
    button.disabled = Boolean(why) || (button.classList.contains("waiting") && !isStop(button));
    if (button.dataset.do !== "estop") button.title = why;
  }
  if (policy?.speed && !speed.classList.contains("waiting")) {
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

function isStop({ dataset }) {
  return dataset.stop !== undefined;
}

// What stops is asked for as often as somebody presses; everything else once until it is answered.
async function press(button) {
  if (button.classList.contains("waiting") && !isStop(button)) return;
  const asked = (Number(button.dataset.asked) || 0) + 1;
  button.dataset.asked = asked;
  button.classList.add("waiting");
  const command = button.dataset.do;
  const answer = await ask(`do/${command}`, command === "estop" ? { timeoutMs: ESTOP_MS } : {});
  if (asked === Number(button.dataset.asked)) button.classList.remove("waiting");
  if (command === "estop") confirm(answer);
  else say(answer);
}

// That an e-stop was not confirmed stays until one is, or until the arm itself says that it is stopped.
function confirm({ success, message }) {
  element("unconfirmed").textContent = `E-STOP NOT CONFIRMED: ${message}. Use the hardware stop.`;
  element("unconfirmed").hidden = success;
  if (success) say({ success, message });
}

// A refusal is shown until it was read.
function say({ success, message }) {
  clearTimeout(hiding);
  const toast = element("toast");
  toast.textContent = message;
  toast.classList.toggle("fine", success);
  toast.hidden = !message;
  hiding = setTimeout(() => (toast.hidden = true), success ? 1800 : 6000);
}

// The second click of a double click is no second wish, unless it is one to stop.
for (const button of buttons) button.addEventListener("click", ({ detail }) => (detail < 2 || isStop(button)) && press(button));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === " ") {
    event.preventDefault();
    return press(element("estop"));
  }
  // What moves the arm or throws something away needs shift; a stop never does. A list takes all other letters itself.
  const fits = ({ dataset }) => dataset.key === event.key.toLowerCase() && (event.shiftKey || dataset.shift === undefined);
  const heard = (button) => isStop(button) || !event.target.matches("select");
  const wanted = buttons.find((button) => fits(button) && heard(button) && !button.hidden && !button.disabled);
  if (connected && wanted) {
    event.preventDefault();
    press(wanted);
  }
});

// A space that is released over a focused button would press it as well.
document.addEventListener("keyup", (event) => event.key === " " && event.preventDefault());
