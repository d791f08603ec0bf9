// What the facts look like: chips, progress, timing, checks, recorder, events.

import { Chart } from "./chart.js";

const KEPT_EVENTS = 200;
const KEPT_ROWS = 3000;
const ARM = { disabled: "warm", holding: "good", moving: "good", estopped: "bad" };
const POLICY = { running: "good", paused: "warm", handed_over: "warm", inactive: "bad" };
const JUDGED = { recording: "is recorded; did it succeed?", judging: "has ended and waits for your verdict" };
const NOTED = { true: "is recorded; noted: it succeeded", false: "is recorded; noted: it failed" };
const HEARD = ["arm-mode", "policy-state", "run-time", "record-state"];
const VERDICTS = { reached: ["reached", "good"], not_improving: ["not improving", "warm"], time_limit: ["time is up", "warm"], failed: ["failed", "bad"], stopped: ["stopped", ""] };

export function element(id) {
  return document.getElementById(id);
}

export function make(tag, className = "", ...parts) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...parts);
  return made;
}

export class Panels {
  constructor() {
    this.rows = { timing: [], progress: [] };
    const steps = { lines: [{ column: 1, colour: "--accent" }, { column: 6, colour: "--good", dots: true }], band: [2, 3], floor: 0 };
    this.steps = new Chart(element("progress-chart"), steps);
    const lines = [["--warm", 2], ["--accent", 3], ["--good", 1]].map(([colour, column]) => ({ colour, column }));
    this.timing = new Chart(element("timing-chart"), { lines, floor: 0 });
  }

  show(facts) {
    for (const [name, more] of Object.entries(facts.samples)) this.rows[name] = [...this.rows[name], ...more].slice(-KEPT_ROWS);
    this.header(facts);
    this.refused(facts.policy);
    this.progress(facts);
    this.timings(facts);
    this.checks(facts.policy?.checks ?? []);
    this.recorder(facts.recorder);
    this.run(facts.run);
    this.events(facts.events);
  }

  // A new connection is told everything again.
  forget() {
    this.rows = { timing: [], progress: [] };
    element("events").replaceChildren();
  }

  // Without a connection nothing is known of anybody.
  lose() {
    for (const id of HEARD) chip(id, "unknown", "bad");
    for (const id of ["latched", "handed", "viewers"]) element(id).hidden = true;
    Object.assign(element("verdict"), { textContent: "", className: "pill" });
    Object.assign(element("steps"), { textContent: "\u2013" });
    element("steps-unit").textContent = "";
    document.title = "not connected";
  }

  header({ arm, policy, recorder, run, silent, viewers }) {
    element("robot").textContent = arm?.robot || "robot";
    element("checkpoint").textContent = (policy?.checkpoint ?? "").split("/").slice(-2).join("/");
    element("checkpoint").title = policy?.checkpoint ?? "";
    const state = policy?.state?.replace("_", " ");
    document.title = [state, arm?.mode, arm?.robot].filter(Boolean).join(" \u00b7 ") || "Operator";
    chip("arm-mode", arm ? (arm.mode === "estopped" ? "e-stopped" : arm.mode) : "not heard", arm ? ARM[arm.mode] : "bad");
    const dry = policy?.dry_run ? ", dry run" : "";
    chip("policy-state", policy ? `${state}${dry}` : "not heard", policy ? POLICY[policy.state] : "bad");
    const limit = policy?.time_limit_s ? ` of ${clock(policy.time_limit_s)}` : "";
    const slow = policy?.speed && policy.speed !== 1 ? `, speed ${policy.speed}` : "";
    const unrecorded = silent.includes("run") ? ", its recorder is not heard" : "";
    const time = policy?.run ? `${clock(policy.seconds ?? 0)}${limit}${slow}` : policy ? "none yet" : "\u2013";
    chip("run-time", `${time}${unrecorded}`, run?.failure || unrecorded ? "bad" : "");
    element("run-chip").title = run?.folder ?? "";
    const gone = silent.includes("recorder");
    element("record-chip").hidden = !recorder && !gone;
    chip("record-state", recorder?.state ?? "not heard", gone ? "bad" : { recording: "bad", pending: "warm" }[recorder?.state]);
    element("viewers").textContent = `${viewers} pages are open`;
    element("viewers").hidden = viewers < 2;
    element("latched").hidden = arm?.mode !== "estopped";
    element("latched-reason").textContent = arm?.reason ?? "";
    element("handed").hidden = policy?.state !== "handed_over";
  }

  refused(policy) {
    const kept = policy?.goal ? " The goal before it stays in force." : "";
    element("refused").textContent = `Goal refused: ${policy?.goal_refused}.${kept}`;
    element("refused").hidden = !policy?.goal_refused;
  }

  progress({ policy, progress, seconds }) {
    const steps = progress?.steps;
    const rate = policy?.action_spec?.rate_hz;
    element("steps").textContent = steps ? `${Math.round(steps.expected)}` : number(progress?.estimate, 2);
    const time = rate && steps ? ` \u00b7 ${(steps.expected / rate).toFixed(1)} s` : "";
    const known = progress?.estimate === null || progress?.estimate === undefined;
    const raw = known ? "nothing to estimate yet" : "critic\u2019s estimate, 0 at the goal; the checkpoint is not calibrated";
    element("steps-unit").textContent = steps ? `steps to go, ${Math.round(steps.low)} to ${Math.round(steps.high)}${time}` : raw;
    const [text, kind] = verdict(policy, progress);
    Object.assign(element("verdict"), { textContent: text, className: `pill ${kind}` });
    const calibrated = this.rows.progress.some((row) => row[1] !== null);
    this.steps.lines[0].column = calibrated ? 1 : 5;
    this.steps.band = calibrated ? [2, 3] : null;
    this.steps.floor = calibrated ? 0 : null;
    element("curve-name").textContent = calibrated || !this.rows.progress.length ? "steps to go" : "critic\u2019s estimate";
    document.querySelector("#progress-card .band").hidden = element("band-name").hidden = !this.steps.band && this.rows.progress.length > 0;
    // Reached ticks are dots on the line that is drawn.
    const rows = this.rows.progress.map((row) => [...row, row[4] ? row[calibrated ? 1 : 5] : null]);
    this.steps.show(rows, seconds);
  }

  timings({ policy, seconds }) {
    const newest = this.rows.timing.slice(-100);
    const period = policy?.action_spec ? 1000 / policy.action_spec.rate_hz : null;
    const cells = [["image\u2019s age", 2, 300], ["inference", 3, period], ["late by", 1, period]].map(([name, column, limit]) => {
      const values = newest.map((row) => row[column]).filter((value) => value !== null).sort((a, b) => a - b);
      return cell(name, values.length ? `${number(at(values, 0.5))}` : "\u2013", values.length ? ` ${number(at(values, 0.99))}` : "", values.length && limit && at(values, 0.99) > limit);
    });
    const missed = policy?.missed ?? 0;
    const late = policy?.counters?.late ?? 0;
    element("timing-numbers").replaceChildren(...cells, cell("missed, late", `${missed}, ${late}`, "", missed + late > 0));
    element("timing-verdict").textContent = period ? `${policy.action_spec.rate_hz} Hz; ms: median, 99 %` : "";
    this.timing.show(this.rows.timing, seconds);
  }

  // What is well needs no words; pointing at it gives them.
  checks(checks) {
    element("checks-card").hidden = !checks.length;
    const worth = ["warning", "refused"];
    element("checks").replaceChildren(...checks.map(({ name, verdict: kind, sentence }) => {
      const words = worth.includes(kind) ? [make("span", "dim", sentence)] : [];
      return Object.assign(make("li", kind, name, ...words), { title: sentence });
    }));
  }

  recorder(recorder) {
    element("recorder-card").hidden = !recorder;
    if (!recorder) return;
    const lost = Object.values(recorder.lost ?? {}).reduce((sum, count) => sum + count, 0);
    const running = recorder.steps === undefined ? "" : `${recorder.steps} steps${recorder.seconds ? ` in ${clock(recorder.seconds)}` : ""}, ${lost} lost`;
    const mark = { true: "marked success", false: "marked failure" }[recorder.success] ?? "";
    element("recorder-facts").textContent = [running, mark, `${recorder.committed ?? 0} kept`].filter(Boolean).join(" \u00b7 ");
  }

  // Whoever saw the run may judge it while it goes on, and afterwards for as long as its record waits.
  run(run) {
    const words = (run?.state === "recording" && NOTED[run.verdict]) || JUDGED[run?.state];
    element("run-card").hidden = !words;
    element("run-facts").textContent = words ? `${run.run} ${words}` : "";
  }

  events(events) {
    const list = element("events");
    for (const { time_s, level, text } of events) {
      const time = new Date(1000 * time_s).toLocaleTimeString([], { hour12: false });
      list.prepend(make("li", level, make("time", "", time), make("span", "", text)));
    }
    while (list.children.length > KEPT_EVENTS) list.lastChild.remove();
  }
}

function verdict(policy, progress) {
  if (policy?.state === "ended" && policy.ended) return VERDICTS[policy.ended.verdict] ?? [policy.ended.verdict, ""];
  if (!progress || policy?.state === "inactive") return ["", ""];
  if (progress.reached) return ["at the goal", "good"];
  if (!progress.acting) return ["", ""];
  if (progress.improving === false) return [progress.patience_s === null ? "not improving" : `not improving, ${Math.ceil(progress.patience_s)} s left`, "warm"];
  return progress.improving ? ["approaching", "accent"] : ["", ""];
}

function chip(id, text, kind = "") {
  element(id).textContent = text;
  element(id).parentElement.className = `chip ${kind ?? ""}`;
}

function cell(name, value, after, bad) {
  return make("div", "", make("span", "", name), make("b", bad && !after ? "bad" : "", value), make("small", bad ? "bad" : "", after));
}

function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function number(value, digits = 1) {
  return value === null || value === undefined ? "\u2013" : value.toFixed(Math.abs(value) >= 100 ? 0 : digits);
}

export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
