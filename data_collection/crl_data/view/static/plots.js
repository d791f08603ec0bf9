// Curves over time on canvases, with a cursor at the present step; dragging on one seeks.

const COLOURS = ["#1f77b4", "#d9772b", "#2e8b57", "#a64ca6", "#c0392b", "#7a6a3a", "#3aa6a6", "#888888"];
const GRIPPER = "gripper (0 closed, 1 open)";
const PAD = { left: 46, right: 8, top: 6, bottom: 16 };

// What is drawn together: [title, [[label, values (T,), dashed]]], those that the episode has.
export function groupsOf(episode, store) {
  const series = episode.series;
  const column = (name, index) => series[name]?.map((row) => (index === undefined ? row : row[index]));
  const actions = (from, to) => store.action_spec.names.slice(from, to).flatMap((name, i) => [
    [name, column("action_commanded", from + i), false],
    [series.action_commanded ? `${name} achieved` : name, column("action_achieved", from + i), Boolean(series.action_commanded)],
  ]);
  const poses = (name, label, dashed) => ["x", "y", "z"].map((axis, i) => [`${label}${axis}`, column(name, i), dashed]);
  const seconds = episode.times;
  const intervals = seconds.map((time, step) => (step ? (time - seconds[step - 1]) * 1000 : null));
  const ages = Object.entries(episode.ages).map(([name, values]) => [name, values, false]);
  const controls = store.action_spec.reference === "environment" && [["controls (-1 to 1)", actions(0)]];
  const groups = controls || [
    ["move per tick (m)", actions(0, 3)],
    ["turn per tick (rad)", actions(3, 6)],
    [GRIPPER, [
      ["commanded", column("action_commanded", 6), false],
      ["target", column("gripper_target"), true],
      ["measured", column("gripper"), false],
      ["achieved", series.gripper ? undefined : column("action_achieved", 6), false],
    ]],
    ["tool position (m)", [...poses("tool_measured", "", false), ...poses("tool_target", "target ", true)]],
    ["joints (rad)", store.joint_names.map((name, i) => [name, column("joints", i), false])],
    ["steps to the goal, as the policy told", [
      ["expected", column("progress/steps"), false],
      ["low expected", column("progress/steps_low"), true],
      ["high expected", column("progress/steps_high"), true],
    ]],
    ["the policy told (1 yes, 0 no)", [
      ["reached", column("progress/reached"), false],
      ["improving", column("progress/improving"), false],
    ]],
    ["object position, ground truth (m)", poses("truth_object", "", false)],
    ["age of what a step holds (ms)", ages],
    ["time since the step before (ms)", episode.true_times ? [["interval", intervals, false]] : []],
  ];
  return groups.map(([title, lines]) => [title, lines.filter(([, values]) => values)]).filter(([, lines]) => lines.length);
}

export class Plot {
  constructor(title, lines, episode, onSeek) {
    Object.assign(this, { lines, times: episode.times, episode, step: 0 });
    this.pairs = lines.some(([, , dashed]) => dashed);
    this.root = Object.assign(document.createElement("div"), { className: "plot" });
    this.canvas = document.createElement("canvas");
    this.legend = Object.assign(document.createElement("div"), { className: "legend" });
    this.values = lines.map(([label, , dashed], index) => this.entry(label, dashed, this.colour(index)));
    this.root.append(Object.assign(document.createElement("h3"), { textContent: title }), this.canvas, this.legend);
    const seek = (event) => event.buttons && onSeek(this.stepAt(event.offsetX));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.canvas.addEventListener("pointermove", seek);
    this.range = rangeOf(title === GRIPPER ? [[0, 1]] : lines.map(([, values]) => values));
  }

  // A dashed line has the colour of the solid one that it belongs to.
  colour(index) {
    const name = this.lines[index][0].replace(/^(target|low|high) /, "").replace(/ achieved$/, "");
    const names = [...new Set(this.lines.map(([label]) => label.replace(/^(target|low|high) /, "").replace(/ achieved$/, "")))];
    return COLOURS[names.indexOf(name) % COLOURS.length];
  }

  entry(label, dashed, colour) {
    const entry = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.style.background = swatch.style.borderColor = colour;
    swatch.classList.toggle("dashed", dashed);
    const value = document.createElement("b");
    entry.append(swatch, `${label} `, value);
    this.legend.append(entry);
    return value;
  }

  x(time) {
    const span = this.times.at(-1) - this.times[0] || 1;
    return PAD.left + ((this.width - PAD.left - PAD.right) * (time - this.times[0])) / span;
  }

  y(value) {
    const [low, high] = this.range;
    return PAD.top + (this.height - PAD.top - PAD.bottom) * (1 - (value - low) / (high - low));
  }

  stepAt(offset) {
    let best = 0;
    this.times.forEach((time, step) => {
      if (Math.abs(this.x(time) - offset) < Math.abs(this.x(this.times[best]) - offset)) best = step;
    });
    return best;
  }

  // Curves are drawn once into a picture of their own; a step only copies it and adds the cursor.
  draw() {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = this.width * ratio;
    this.canvas.height = this.height * ratio;
    const curves = (this.curves = document.createElement("canvas"));
    curves.width = this.canvas.width;
    curves.height = this.canvas.height;
    const pen = curves.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const [line, dim, good, bad] = ["--line", "--dim", "--good", "--bad"].map((name) => style.getPropertyValue(name));
    this.cursor = style.getPropertyValue("--text");
    this.axes(pen, line, dim);
    for (const step of this.episode.gaps) this.vertical(pen, this.times[step], bad, 0.35, 3);
    for (const step of this.episode.meta.goal_steps) this.vertical(pen, this.times[step], good, 0.7, 2);
    this.lines.forEach(([, values, dashed], index) => this.curve(pen, values, dashed, this.colour(index)));
    this.show(this.step);
  }

  show(step) {
    this.step = step;
    if (!this.curves) return;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.curves, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    pen.scale(ratio, ratio);
    this.vertical(pen, this.times[step], this.cursor, 0.9, 1);
    this.lines.forEach(([, values], index) => (this.values[index].textContent = short(values[step])));
  }

  axes(pen, line, dim) {
    pen.strokeStyle = line;
    pen.fillStyle = dim;
    pen.font = "10px system-ui, sans-serif";
    for (const value of ticks(...this.range, 4)) {
      pen.beginPath();
      pen.moveTo(PAD.left, this.y(value));
      pen.lineTo(this.width - PAD.right, this.y(value));
      pen.stroke();
      pen.textAlign = "right";
      pen.fillText(short(value), PAD.left - 4, this.y(value) + 3);
    }
    pen.textAlign = "center";
    for (const time of ticks(this.times[0], this.times.at(-1), 6)) pen.fillText(`${short(time)} s`, this.x(time), this.height - 4);
  }

  vertical(pen, time, colour, alpha, width) {
    pen.save();
    Object.assign(pen, { strokeStyle: colour, globalAlpha: alpha, lineWidth: width });
    pen.beginPath();
    pen.moveTo(this.x(time), PAD.top);
    pen.lineTo(this.x(time), this.height - PAD.bottom);
    pen.stroke();
    pen.restore();
  }

  curve(pen, values, dashed, colour) {
    pen.save();
    Object.assign(pen, { strokeStyle: colour, lineWidth: dashed ? 1 : 1.5 });
    pen.setLineDash(dashed ? [4, 3] : []);
    pen.beginPath();
    let down = false;
    values.forEach((value, step) => {
      if (value === null) down = false;
      else {
        pen[down ? "lineTo" : "moveTo"](this.x(this.times[step]), this.y(value));
        down = true;
      }
    });
    pen.stroke();
    pen.restore();
  }
}

function rangeOf(columns) {
  let [low, high] = [Infinity, -Infinity];
  for (const values of columns) for (const value of values) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [0, 1];
  const margin = (high - low) * 0.06 || Math.max(Math.abs(high) * 0.1, 0.001);
  return [low - margin, high + margin];
}

function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(value);
  return found;
}

function short(value) {
  if (value === null || value === undefined) return "";
  return Number(Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)).toString();
}
