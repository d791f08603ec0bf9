// The page: asks the server for the store and its episodes, and keeps list, cameras and plots at one step.

import { GoalViews } from "./goals.js";
import { EpisodeList } from "./list.js";
import { Player } from "./player.js";
import { Plot, groupsOf } from "./plots.js";

let store = null;
let plots = [];
let request = 0;

const goals = new GoalViews();
const player = new Player((step) => {
  goals.show(step);
  for (const plot of plots) plot.show(step);
  if (!player.playing) remember(step);
});
const list = new EpisodeList((id) => open(id, 0));

async function start() {
  store = await ask("api/store");
  document.title = `${store.name} - crl-data view`;
  element("store").textContent = store.name;
  element("about").textContent = [
    `${store.robot}, ${store.action_spec.rate_hz} Hz, ${store.labels.join(" and ")} actions`,
    Object.entries(store.cameras).map(([name, camera]) => `${name} ${camera.native.join("x")} ${camera.encoding}`).join(", "),
  ].join("; ");
  list.fill(await ask("api/episodes"));
  const wanted = new URLSearchParams(location.hash.slice(1));
  const first = wanted.get("episode") ?? list.visible[0]?.id;
  if (!first) return complain("the store has no episodes yet");
  list.choose(first);
  list.onChoose = (id) => open(id, 0);
}

async function open(id, step) {
  const mine = ++request;
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.get("episode") === id) step = Number(wanted.get("step")) || step;
  element("episode").textContent = id;
  for (const name of ["facts", "note"]) element(name).textContent = "";
  complain("");
  let episode;
  try {
    episode = await ask(`api/episodes/${encodeURIComponent(id)}`);
  } catch (error) {
    if (mine === request) abandon(error.message);
    return;
  }
  if (mine !== request) return;
  describe(episode);
  player.open(id, episode, store.cameras);
  goals.open(id, episode, store.cameras);
  plots = groupsOf(episode, store).map(([title, lines]) => new Plot(title, lines, episode, (at) => player.seek(at)));
  element("plots").replaceChildren(...plots.map((plot) => plot.root));
  for (const plot of plots) plot.draw();
  player.seek(step);
}

function abandon(reason) {
  player.close();
  goals.close();
  plots = [];
  element("plots").replaceChildren();
  complain(reason);
}

function describe({ meta, times, true_times, gaps, goals, errors }) {
  const marks = { true: "success", false: "failure" };
  const lost = Object.entries(meta.lost).filter(([, number]) => number).map(([name, number]) => `${number} ${name}`);
  element("facts").textContent = [
    marks[meta.success] ?? "success not marked",
    `${meta.source}${meta.operator ? ` by ${meta.operator}` : ""}${meta.robot_id ? ` on ${meta.robot_id}` : ""}`,
    meta.created,
    `${meta.steps} steps in ${times.at(-1).toFixed(1)} s${true_times ? "" : " at the nominal rate; the source had no clock"}`,
    `${gaps.length} gaps`,
    lost.length ? `lost: ${lost.join(", ")}` : "nothing lost",
    ...(goals.length ? [`acted towards ${goals.length} goal${goals.length > 1 ? "s" : ""}`] : []),
    meta.goal_steps.length ? `goals at steps ${meta.goal_steps.join(", ")}` : "no goals marked",
  ].join(" \u00b7 ");
  element("note").textContent = meta.note;
  complain(Object.values(errors).join("\n"));
}

function remember(step) {
  const hash = new URLSearchParams({ episode: list.chosen, step });
  history.replaceState(null, "", `#${hash}`);
}

function complain(reason) {
  element("problem").textContent = reason;
  element("problem").hidden = !reason;
}

async function ask(url) {
  const answer = await fetch(url);
  const body = await answer.json().catch(() => ({ error: `${url}: the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(body.error ?? `${url}: the server answered ${answer.status}`);
  return body;
}

function element(id) {
  return document.getElementById(id);
}

const KEYS = {
  " ": () => player.toggle(),
  ArrowRight: (event) => player.seek(player.step + (event.shiftKey ? 10 : 1)),
  ArrowLeft: (event) => player.seek(player.step - (event.shiftKey ? 10 : 1)),
  Home: () => player.seek(0),
  End: () => player.seek(player.times.length - 1),
  n: () => list.neighbour(1),
  p: () => list.neighbour(-1),
  "/": () => list.filter.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.target === list.filter) {
    if (event.key === "Escape" || event.key === "Enter") list.filter.blur();
    return;
  }
  if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key](event);
});
window.addEventListener("resize", () => plots.forEach((plot) => plot.draw()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach((plot) => plot.draw()));

start().catch((error) => complain(error.message));
