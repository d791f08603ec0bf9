// Curves over time on a canvas: lines, one band between two columns, marks, a cursor.

const PAD = { left: 34, right: 10, top: 8, bottom: 17 };

export class Chart {
  // lines: [{column, colour (a CSS variable), dots}], band: [low column, high column]; rows are [seconds, ...columns].
  constructor(canvas, { lines, band = null, floor = null, spanS = 60 }) {
    Object.assign(this, { canvas, lines, band, floor, spanS, rows: [], marks: [], cursor: null });
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  // The newest spanS seconds up to `now`, or all rows where spanS is 0.
  show(rows, now) {
    this.rows = rows;
    this.to = this.spanS ? now : (rows.at(-1)?.[0] ?? 1);
    this.from = this.spanS ? now - this.spanS : (rows[0]?.[0] ?? 0);
    this.draw();
  }

  x(seconds) {
    return PAD.left + ((this.width - PAD.left - PAD.right) * (seconds - this.from)) / (this.to - this.from || 1);
  }

  y(value) {
    const [low, high] = this.range;
    return PAD.top + (this.height - PAD.top - PAD.bottom) * (1 - (value - low) / (high - low || 1));
  }

  secondsAt(x) {
    return this.from + ((x - PAD.left) / (this.width - PAD.left - PAD.right)) * (this.to - this.from);
  }

  draw() {
    const { canvas } = this;
    if (this.to === undefined || !canvas.clientWidth) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    canvas.width = this.width * ratio;
    canvas.height = this.height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const visible = this.rows.filter(([seconds]) => seconds >= this.from);
    this.range = this.rangeOf(visible);
    this.axes(pen);
    for (const { seconds, colour: name } of this.marks) this.vertical(pen, seconds, colour(name));
    if (this.band) this.fill(pen, visible);
    for (const line of this.lines) this.line(pen, visible, line);
    if (this.cursor !== null) this.vertical(pen, this.cursor, colour("--text"));
  }

  rangeOf(rows) {
    const columns = [...this.lines.map(({ column }) => column), ...(this.band ?? [])];
    const values = rows.flatMap((row) => columns.map((column) => row[column])).filter((value) => value !== null && value !== undefined);
    let low = Math.min(...values);
    let high = Math.max(...values);
    if (!values.length) [low, high] = [0, 1];
    if (this.floor !== null) low = Math.min(this.floor, low);
    const margin = (high - low) * 0.08 || 0.5;
    return [this.floor !== null && low >= this.floor ? low : low - margin, high + margin];
  }

  axes(pen) {
    Object.assign(pen, { strokeStyle: colour("--line"), fillStyle: colour("--dim"), font: "10.5px system-ui, sans-serif" });
    pen.textAlign = "right";
    for (const value of ticks(...this.range, this.height > 110 ? 4 : 2)) {
      pen.beginPath();
      pen.moveTo(PAD.left, this.y(value));
      pen.lineTo(this.width - PAD.right, this.y(value));
      pen.stroke();
      pen.fillText(String(Number(value.toPrecision(6))), PAD.left - 5, this.y(value) + 3.5);
    }
    pen.textAlign = "center";
    // A window that moves with time counts back from now.
    const zero = this.spanS ? this.to : 0;
    for (const seconds of ticks(this.from - zero, this.to - zero, 6)) pen.fillText(`${Number(seconds.toPrecision(6))} s`, this.x(zero + seconds), this.height - 4);
  }

  fill(pen, rows) {
    const known = rows.filter((row) => row[this.band[0]] !== null && row[this.band[1]] !== null);
    pen.fillStyle = colour("--band");
    pen.beginPath();
    for (const row of known) pen.lineTo(this.x(row[0]), this.y(row[this.band[1]]));
    for (const row of known.reverse()) pen.lineTo(this.x(row[0]), this.y(row[this.band[0]]));
    pen.fill();
  }

  line(pen, rows, { column, colour: name, dots }) {
    Object.assign(pen, { strokeStyle: colour(name), fillStyle: colour(name), lineWidth: 1.8, lineJoin: "round" });
    pen.beginPath();
    let down = false;
    for (const row of rows) {
      const value = row[column];
      if (value === null || value === undefined) down = false;
      else if (dots) {
        pen.moveTo(this.x(row[0]), this.y(value));
        pen.arc(this.x(row[0]), this.y(value), 3, 0, 7);
      } else {
        pen[down ? "lineTo" : "moveTo"](this.x(row[0]), this.y(value));
        down = true;
      }
    }
    pen[dots ? "fill" : "stroke"]();
  }

  vertical(pen, seconds, stroke) {
    Object.assign(pen, { strokeStyle: stroke, lineWidth: 1 });
    pen.beginPath();
    pen.moveTo(this.x(seconds), PAD.top);
    pen.lineTo(this.x(seconds), this.height - PAD.bottom);
    pen.stroke();
  }
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(value);
  return found;
}
