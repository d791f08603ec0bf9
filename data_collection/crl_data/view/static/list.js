// The list of episodes: filter, sort, choose. Text from the store is only ever set as text, never as HTML.

const SHOWN = 1000;

export class EpisodeList {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.rows = [];
    this.visible = [];
    this.chosen = null;
    this.order = { key: "id", down: false };
    this.body = document.getElementById("episodes");
    this.filter = document.getElementById("filter");
    this.filter.addEventListener("input", () => this.draw());
    for (const head of document.querySelectorAll("th")) {
      head.addEventListener("click", () => this.sortBy(head.dataset.key));
    }
  }

  fill(rows) {
    this.rows = rows.map((row) => ({ ...row, lostTotal: total(row.lost), text: searchable(row) }));
    this.draw();
  }

  sortBy(key) {
    this.order = { key, down: this.order.key === key && !this.order.down };
    this.draw();
  }

  choose(id) {
    this.chosen = id;
    for (const row of this.body.children) row.classList.toggle("chosen", row.dataset.id === id);
    this.body.querySelector("tr.chosen")?.scrollIntoView({ block: "nearest" });
    this.onChoose(id);
  }

  // The episode so many rows further down the list as it is shown.
  neighbour(offset) {
    const index = this.visible.findIndex((row) => row.id === this.chosen);
    const row = this.visible[Math.min(Math.max(index + offset, 0), this.visible.length - 1)];
    if (row && row.id !== this.chosen) this.choose(row.id);
  }

  draw() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { key, down } = this.order;
    this.visible = this.rows.filter((row) => words.every((word) => row.text.includes(word)));
    this.visible.sort((a, b) => compare(value(a, key), value(b, key)) * (down ? -1 : 1));
    this.body.replaceChildren(...this.visible.slice(0, SHOWN).map((row) => this.line(row)));
    for (const head of document.querySelectorAll("th")) {
      head.classList.toggle("up", head.dataset.key === key && !down);
      head.classList.toggle("down", head.dataset.key === key && down);
    }
    const hidden = this.visible.length - SHOWN;
    const more = hidden > 0 ? `; the first ${SHOWN} are shown, filter for the others` : "";
    document.getElementById("more").textContent = `${this.visible.length} of ${this.rows.length} episodes${more}`;
  }

  line(row) {
    const line = document.createElement("tr");
    line.dataset.id = row.id;
    line.classList.toggle("chosen", row.id === this.chosen);
    line.classList.toggle("damaged", Boolean(row.error));
    line.addEventListener("click", () => this.choose(row.id));
    const ok = { true: ["yes", "yes"], false: ["no", "no"] }[row.success] ?? ["", ""];
    const cells = [cell(row.id), cell(row.error ? "damaged" : row.source), cell(row.steps, "number"), cell(...ok)];
    cells.push(cell(row.operator), cell(row.lostTotal || "", "number lost"));
    const note = [row.note, row.goals ? `${row.goals} goals` : ""].filter(Boolean).join(", ");
    if (note) cells[0].append(Object.assign(document.createElement("span"), { className: "note", textContent: note }));
    line.append(...cells);
    return line;
  }
}

function total(lost) {
  return Object.values(lost ?? {}).reduce((sum, number) => sum + number, 0);
}

function searchable(row) {
  const success = { true: "success:yes", false: "success:no" }[row.success] ?? "success:unmarked";
  const marks = [success, `lost:${total(row.lost) ? "yes" : "no"}`, row.goals ? "goal" : "", row.error ? "damaged" : ""];
  return [row.id, row.source, row.operator, row.note, row.created, ...marks].join(" ").toLowerCase();
}

function value(row, key) {
  if (key === "lost") return row.lostTotal;
  if (key === "success") return { true: 2, false: 0 }[row.success] ?? 1;
  return row[key] ?? "";
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
}

function cell(text, className = "") {
  return Object.assign(document.createElement("td"), { textContent: text ?? "", className });
}
