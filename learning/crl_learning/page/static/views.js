// The live view beside the goal, the goal laid over it, and both as the network sees them.

import { ask } from "./link.js";
import { clock, element } from "./panels.js";

const STALE_MS = 1500;

export class Views {
  constructor() {
    this.bitmaps = {};
    this.times = [];
    this.seenAt = -Infinity;
    this.overlay = element("overlay");
    this.overlay.addEventListener("input", () => this.draw());
    element("difference").addEventListener("change", () => this.draw());
    setInterval(() => this.age(), 300);
  }

  // What the server has kept for long is no live view, however new it is to this page.
  async take(name, ageMs, bytes) {
    const bitmap = await createImageBitmap(new Blob([bytes])).catch(() => null);
    if (!bitmap) return;
    this.bitmaps[name]?.close();
    this.bitmaps[name] = bitmap;
    if (name === "live") this.count(ageMs);
    if (name === "view_seen") this.seenAt = performance.now() - ageMs;
    this.draw(name);
  }

  draw(name = "live") {
    if (name === "live" || name === "goal") this.mix();
    if (name !== "live") paint({ goal: "goal", goal_seen: "goal-seen", view_seen: "view-seen" }[name], this.bitmaps[name]);
    element("goal-empty").hidden = Boolean(this.bitmaps.goal);
    element("live-empty").hidden = Boolean(this.bitmaps.live);
  }

  // The difference is the same pictures subtracted: black where view and goal agree.
  mix() {
    const { live, goal } = this.bitmaps;
    const share = Number(this.overlay.value) / 100;
    const difference = element("difference").checked && goal;
    element("overlay-value").textContent = difference ? "" : share ? `${this.overlay.value} %` : "off";
    if (!live) return;
    const pen = paint("live", live);
    if (!goal || !(share || difference)) return;
    pen.save();
    if (difference) pen.globalCompositeOperation = "difference";
    else pen.globalAlpha = share;
    pen.drawImage(goal, 0, 0, live.width, live.height);
    pen.restore();
  }

  count(ageMs) {
    const now = performance.now();
    this.times = [...this.times.filter((time) => now - time < 2000), now - ageMs];
    this.age();
  }

  age() {
    const now = performance.now();
    const oldMs = now - (this.times.at(-1) ?? -Infinity);
    const stale = Boolean(this.bitmaps.live) && oldMs > STALE_MS;
    this.times = this.times.filter((time) => now - time < 2000 || time === this.times.at(-1));
    document.querySelector("#live-view .screen").classList.toggle("stale", stale);
    element("live-old").hidden = !stale;
    if (stale) element("live-old").textContent = `not live: no new picture for ${clock(oldMs / 1000)}`;
    element("view-seen").classList.toggle("stale", now - this.seenAt > STALE_MS);
    this.rate = oldMs > STALE_MS ? 0 : Math.round((this.times.length - 1) / 2);
  }

  // Without a connection every picture is one of before.
  lose() {
    element("live-facts").textContent = "";
  }

  // The first camera is the one that is shown.
  choice(cameras) {
    picker.hidden = cameras.length < 2;
    const sorted = [...cameras].sort();
    if (picker.dataset.names !== sorted.join()) {
      picker.dataset.names = sorted.join();
      picker.replaceChildren(...sorted.map((name) => new Option(name)));
    }
    if (!picker.classList.contains("waiting")) picker.value = cameras[0];
  }

  // What stands above the two pictures.
  caption(facts) {
    this.choice(facts.cameras);
    const ages = Object.entries(facts.policy?.frames_age_ms ?? {}).filter(([, ms]) => ms !== null);
    const age = ages.map(([name, ms]) => `${name}, ${Math.round(ms)} ms old`).join(" \u00b7 ");
    element("live-facts").textContent = [age, this.rate ? `shown at ${this.rate} Hz` : this.bitmaps.live ? "no new picture" : ""].filter(Boolean).join(" \u00b7 ");
    const chosen = facts.goals.items.find(({ id }) => id === facts.goals.chosen);
    element("goal-facts").textContent = chosen?.label ?? facts.policy?.goal ?? "";
    element("goal-facts").title = facts.policy?.goal ?? "";
  }
}

const picker = element("camera");
picker.addEventListener("change", async () => {
  picker.classList.add("waiting");
  await ask(`cameras/${encodeURIComponent(picker.value)}`);
  picker.classList.remove("waiting");
});

function paint(id, bitmap) {
  const canvas = element(id);
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  return pen;
}
