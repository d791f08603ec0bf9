// Cameras side by side, the slider, and playback at the times at which the steps really were.

const AHEAD = 12;
const LATE_MS = 200;

export class Player {
  constructor(onStep) {
    this.onStep = onStep;
    this.step = 0;
    this.times = [];
    this.views = [];
    this.playing = false;
    this.slider = document.getElementById("slider");
    this.button = document.getElementById("play");
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.button.addEventListener("click", () => this.toggle());
    // Keys belong to the page: a control that kept the focus would take space and arrows for itself.
    for (const control of [this.slider, this.button, document.getElementById("speed")]) {
      control.addEventListener(control === this.button ? "click" : "change", () => control.blur());
    }
  }

  open(id, episode, cameras) {
    this.pause();
    Object.assign(this, { id, episode, times: episode.times, cache: new Map() });
    this.views = Object.entries(cameras).map(([name, camera]) => new View(name, camera.native));
    document.getElementById("cameras").replaceChildren(...this.views.map((view) => view.figure));
    document.getElementById("controls").hidden = false;
    this.slider.max = this.times.length - 1;
    this.mark(episode);
  }

  close() {
    this.pause();
    this.times = [];
    document.getElementById("cameras").replaceChildren();
    document.getElementById("controls").hidden = true;
  }

  // Without a position (s) playback goes on from the step's own time.
  seek(step, position) {
    if (!this.times.length) return;
    this.step = Math.min(Math.max(step, 0), this.times.length - 1);
    this.position = position ?? this.times[this.step];
    this.slider.value = this.step;
    for (const view of this.views) this.show(view, this.step);
    for (let next = this.step + 1; next <= this.step + AHEAD && next < this.times.length; next++) {
      for (const view of this.views) this.image(view.name, next);
    }
    this.writeClock();
    this.onStep(this.step);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (!this.times.length) return;
    if (this.step === this.times.length - 1) this.seek(0);
    this.playing = true;
    this.button.textContent = "pause";
    this.position = this.times[this.step];
    let last = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      this.position += ((now - last) / 1000) * Number(document.getElementById("speed").value);
      last = now;
      let step = this.step;
      while (step + 1 < this.times.length && this.times[step + 1] <= this.position) step++;
      if (step !== this.step) this.seek(step, this.position);
      if (this.step === this.times.length - 1) this.pause();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    const played = this.playing;
    this.playing = false;
    this.button.textContent = "play";
    if (played) this.onStep(this.step);
  }

  image(camera, step) {
    const url = `api/episodes/${encodeURIComponent(this.id)}/frames/${encodeURIComponent(camera)}/${step}`;
    if (!this.cache.has(url)) {
      const image = new Image();
      image.src = url;
      this.cache.set(url, image);
      if (this.cache.size > 40 * AHEAD) this.cache.delete(this.cache.keys().next().value);
    }
    return this.cache.get(url);
  }

  // A frame that arrives late is drawn only if nobody has gone on since; until then the last one stays.
  show(view, step) {
    const image = this.image(view.name, step);
    view.wanted = image.src;
    view.caption(this.episode.ages[view.name]?.[step], (this.episode.repeated?.[view.name] ?? []).includes(step));
    if (image.complete && image.naturalWidth) view.draw(image);
    else if (image.complete) view.explain(image.src);
    else {
      image.onload = () => view.wanted === image.src && view.draw(image);
      image.onerror = () => view.wanted === image.src && view.explain(image.src);
    }
  }

  mark(episode) {
    const last = Math.max(this.times.length - 1, 1);
    const marks = [...episode.meta.goal_steps.map((step) => ["goal", step]), ...episode.gaps.map((step) => ["gap", step])];
    document.getElementById("marks").replaceChildren(
      ...marks.map(([kind, step]) => {
        const mark = Object.assign(document.createElement("span"), { className: kind });
        mark.style.left = `${(100 * step) / last}%`;
        return mark;
      }),
    );
  }

  writeClock() {
    const goal = this.episode.meta.goal_steps.includes(this.step) ? ", goal" : "";
    const time = `${this.times[this.step].toFixed(2)} s${this.episode.true_times ? "" : " (nominal)"}`;
    document.getElementById("clock").textContent = `step ${this.step} (0 to ${this.times.length - 1}), ${time}${goal}`;
  }
}

// One camera: a canvas of its native size and a caption with the age of the frame.
export class View {
  constructor(name, [width, height]) {
    this.name = name;
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.age = document.createElement("span");
    this.problem = Object.assign(document.createElement("p"), { className: "problem", hidden: true });
    this.figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.append(Object.assign(document.createElement("span"), { textContent: name }), this.age);
    this.figure.append(this.canvas, this.problem, caption);
  }

  draw(image) {
    this.problem.hidden = true;
    this.canvas.getContext("2d").drawImage(image, 0, 0, this.canvas.width, this.canvas.height);
  }

  caption(age, repeated) {
    const words = age === undefined ? "no stamps" : `${age.toFixed(1)} ms old`;
    this.age.textContent = repeated ? `${words}, the same frame as before` : words;
    this.age.classList.toggle("late", repeated || age > LATE_MS);
  }

  async explain(url) {
    const answer = await fetch(url).catch(() => null);
    const reason = answer ? (await answer.json().catch(() => ({}))).error : "the server does not answer";
    if (this.wanted !== url) return;
    this.problem.textContent = reason ?? "the frame cannot be shown";
    this.problem.hidden = false;
  }
}
