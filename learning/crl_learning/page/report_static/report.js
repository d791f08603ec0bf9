// A run's report: film, goal and curves share one time; dragging on a curve or clicking an event goes there.

import { Chart, colour } from "./chart.js";

const data = JSON.parse(document.getElementById("data").textContent);
const film = element("film");
const TIMES = [["lateness_ms", "Tick late by", true], ["age_ms", "Image\u2019s age", false], ["inference_ms", "Inference", true]];
let goalShown = -1;

function element(id) {
  return document.getElementById(id);
}

function make(tag, className = "", ...parts) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...parts);
  return made;
}

function seconds(value) {
  return `${value.toFixed(1)} s`;
}

// Columns: seconds, expected, low, high, estimate, reached, lateness, age, inference, stage, reached at that height.
const calibrated = data.ticks.some((row) => row[1] !== null);
const shown = calibrated ? 1 : 4;
const rows = data.ticks.map((row) => [...row, row[5] ? row[shown] : null]);
const marked = data.events.filter(({ kind, safety, seconds: at }) => at !== null && (safety || ["stage", "goal"].includes(kind)));
const marks = marked.map(({ safety, seconds: at }) => ({ seconds: at, colour: safety ? "--bad" : "--warm" }));
const charts = {
  progress: new Chart(element("progress"), { lines: [{ column: shown, colour: "--accent" }, { column: 10, colour: "--good", dots: true }], band: calibrated ? [2, 3] : null, floor: calibrated ? 0 : null, spanS: 0 }),
  actions: new Chart(element("actions"), { lines: [["--accent", 1], ["--warm", 2], ["--good", 3]].map(([name, column]) => ({ colour: name, column })), spanS: 0 }),
  timing: new Chart(element("timing"), { lines: [["--warm", 7], ["--accent", 8], ["--good", 6]].map(([name, column]) => ({ colour: name, column })), floor: 0, spanS: 0 }),
};
charts.progress.marks = marks;
const source = { progress: rows, actions: data.actions, timing: rows };
for (const [name, chart] of Object.entries(charts)) {
  if (source[name].length) chart.show(source[name]);
  const seek = (event) => event.buttons && go(chart.secondsAt(event.offsetX));
  chart.canvas.addEventListener("pointerdown", (event) => {
    chart.canvas.setPointerCapture(event.pointerId);
    seek(event);
  });
  chart.canvas.addEventListener("pointermove", seek);
}

function go(at) {
  film.pause();
  if (data.film) film.currentTime = Math.max(0, Math.min(at, film.duration || at));
  point(at);
}

// The newest tick at that time.
function point(at) {
  for (const chart of Object.values(charts)) {
    chart.cursor = at;
    chart.draw();
  }
  const row = rows.findLast(([when]) => when <= at + 1e-3) ?? rows[0];
  element("clock").textContent = seconds(at);
  if (!row) return;
  const words = row[1] !== null ? `${Math.round(row[1])} steps to go, ${Math.round(row[2])} to ${Math.round(row[3])}` : row[4] === null ? "" : `estimate ${row[4].toFixed(2)}`;
  element("now").textContent = `${seconds(at)}: ${words}${row[5] ? ", reached" : ""}`;
  showGoal(goalAt(at, row[9]));
}

// The goal in force at that time; a record without their times has one goal a stage.
function goalAt(at, stage) {
  const timed = data.goals.findLastIndex(({ seconds: since }) => since !== null && since <= at + 1e-3);
  const known = data.goals.some(({ seconds: since }) => since !== null);
  return Math.min(known ? Math.max(timed, 0) : stage, data.goals.length - 1);
}

function showGoal(index) {
  const goal = data.goals[index];
  if (!goal || goalShown === index) return;
  goalShown = index;
  element("goal").src = goal.native;
  element("seen").src = goal.seen;
  element("seen").parentElement.hidden = !goal.seen;
  element("goal-name").textContent = goal.source;
  element("goal-warnings").textContent = goal.warnings.join("\n");
  document.querySelectorAll("#stages button").forEach((button, at) => button.classList.toggle("chosen", at === index));
}

function head() {
  const { facts } = data;
  document.title = `${data.headline} \u00b7 run ${facts.id}`;
  element("headline").textContent = data.headline;
  document.querySelector("header").className = data.kind;
  const last = rows.at(-1)?.[0];
  const parts = [`run ${facts.id}`, facts.created, facts.checkpoint?.split("/").slice(-2).join("/"), facts.rate_hz && `${facts.rate_hz} Hz`, last && `${data.ticks_count} ticks in ${seconds(last)}`];
  if (facts.dry_run) parts.push("dry run: the arm was not commanded");
  if (facts.speed && facts.speed !== 1) parts.push(`speed ${facts.speed}`);
  element("subtitle").textContent = parts.filter(Boolean).join(" \u00b7 ");
}

function pictures() {
  film.hidden = !data.film;
  element("no-film").hidden = Boolean(data.film);
  element("no-film").textContent = data.film_missing;
  if (data.film) film.src = data.film;
  const none = !data.goals.length;
  element("no-goal").hidden = !none;
  element("goal").hidden = element("seen").parentElement.hidden = none;
  element("stage-card").hidden = data.goals.length < 2;
  element("stages").replaceChildren(...data.goals.map(({ native, source: name, seconds: since }, index) => {
    const button = make("button", "", Object.assign(make("img"), { src: native, alt: "" }), make("span", "", `${index + 1}  ${name.split("/").at(-1)}`));
    button.addEventListener("click", () => go(Math.max(0, since ?? rows.find((row) => row[9] >= index)?.[0] ?? 0)));
    return button;
  }));
  const legend = [make("i", "accent"), calibrated ? "expected steps to the goal" : "critic\u2019s estimate, 0 at the goal; the checkpoint was not calibrated"];
  if (calibrated) legend.push(make("i", "band"), "80 % interval");
  if (rows.some((row) => row[5])) legend.push(make("i", "spot good"), "reached");
  if (marks.some((mark) => mark.colour === "--warm")) legend.push(make("i", "warm"), "goal or stage changed");
  if (marks.some((mark) => mark.colour === "--bad")) legend.push(make("i", "bad"), "safety");
  element("progress-legend").append(...legend);
}

function histogram([name, title, against]) {
  const spread = data.timing[name];
  const card = make("div", "card", make("h2", "", title, make("span", "dim", "ms")));
  if (!spread) return card.append(make("p", "dim", "not measured")), card;
  const late = against && data.period_ms && spread.max >= data.period_ms;
  const cell = (word, value, bad) => make("span", bad ? "bad" : "", word, make("b", "", value.toFixed(value >= 100 ? 0 : 1)));
  const canvas = make("canvas", "chart bars");
  card.append(make("div", "numbers", cell("median", spread.p50), cell("99 %", spread.p99), cell("max", spread.max, late)), canvas);
  if (name === "lateness_ms" && data.period_ms) card.append(make("p", "dim", `${data.idle} of ${data.idle + data.ticks_count} control periods of ${data.period_ms.toFixed(0)} ms had no tick: missed, or no fresh image`));
  new ResizeObserver(() => bars(canvas, spread)).observe(canvas);
  return card;
}

function bars(canvas, { counts, edges }) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const highest = Math.max(...counts);
  pen.fillStyle = colour("--accent");
  counts.forEach((count, index) => {
    // A single late tick must be seen beside thousands of others.
    const tall = count ? Math.max(2, ((height - 18) * count) / highest) : 0;
    pen.fillRect((width * index) / counts.length + 0.5, height - 16 - tall, width / counts.length - 1, tall);
  });
  Object.assign(pen, { fillStyle: colour("--dim"), font: "10.5px system-ui, sans-serif" });
  const label = (value, x, align) => Object.assign(pen, { textAlign: align }).fillText(String(Number(value.toPrecision(3))), x, height - 4);
  label(edges[0], 0, "left");
  label(edges[Math.floor(edges.length / 2)], width / 2, "center");
  label(edges.at(-1), width, "right");
}

function entry({ seconds: at, text }) {
  const item = make("li", "", make("time", "", at === null ? "" : seconds(at)), make("span", "", text));
  if (at !== null) {
    item.dataset.seconds = at;
    item.addEventListener("click", () => go(at));
  }
  return item;
}

function lists() {
  const safety = data.events.filter((event) => event.safety);
  element("safety").replaceChildren(...(safety.length ? safety.map(entry) : [make("li", "fine", "nothing: the arm did what it was told")]));
  element("safety-words").textContent = safety.length ? "the arm held, or refused to move" : "";
  element("events").replaceChildren(...data.events.filter(({ kind }) => kind !== "arm").map(entry));
}

function latency() {
  element("latency").hidden = !data.latency.length;
  element("latency").textContent = data.latency.join(" ");
}

function table() {
  const { facts } = data;
  const lost = Object.entries(facts.lost ?? {}).map(([name, count]) => `${count} ${name}`).join(", ");
  const entries = {
    run: facts.id, created: facts.created, checkpoint: facts.checkpoint, cameras: facts.cameras?.join(", "), "goal camera": facts.goal_camera,
    "control rate": facts.rate_hz && `${facts.rate_hz} Hz`, "time limit": facts.time_limit_s ? `${facts.time_limit_s} s` : "none", speed: facts.speed,
    success: facts.judge ? `${facts.success ? "yes" : "no"}, says the ${facts.judge}` : "not judged",
    "dry run": facts.dry_run ? "yes" : "no", "image spec": facts.image_spec, steps: facts.steps, lost: lost || "nothing", episode: facts.episode || "none", folder: data.folder,
  };
  const given = Object.entries(entries).filter(([, value]) => value !== undefined && value !== null && value !== "");
  element("facts").replaceChildren(...given.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", String(value))]));
}

head();
pictures();
element("histograms").replaceChildren(...TIMES.map(histogram));
latency();
lists();
table();
point(rows[0]?.[0] ?? 0);
film.addEventListener("timeupdate", () => point(film.currentTime));
const follow = () => {
  if (!film.paused) point(film.currentTime);
  requestAnimationFrame(follow);
};
follow();
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !data.film) return;
  event.preventDefault();
  if (film.paused) film.play();
  else film.pause();
});
