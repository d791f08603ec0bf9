// The goal that was in force at the present step, as each camera that knows it saw it, beside the cameras.

import { View } from "./player.js";

export class GoalViews {
  constructor() {
    this.close();
  }

  open(id, episode, cameras) {
    Object.assign(this, { id, goals: episode.goals, shown: undefined });
    const names = Object.keys(cameras).filter((name) => this.goals.some((goal) => goal.cameras.includes(name)));
    this.views = names.map((name) => new View(`goal, ${name}`, cameras[name].native));
    this.views.forEach((view, index) => (view.camera = names[index]));
    document.getElementById("cameras").append(...this.views.map((view) => view.figure));
  }

  close() {
    Object.assign(this, { goals: [], views: [] });
  }

  show(step) {
    const number = numberAt(this.goals, step);
    if (number === this.shown) return;
    this.shown = number;
    for (const view of this.views) {
      view.age.textContent = number < 0 ? "none yet" : wordsOf(this.goals[number]);
      view.canvas.getContext("2d").clearRect(0, 0, view.canvas.width, view.canvas.height);
      if (number >= 0) this.load(view, number);
    }
  }

  load(view, number) {
    const image = new Image();
    image.onload = () => view.wanted === image.src && view.draw(image);
    image.onerror = () => view.wanted === image.src && view.explain(image.src);
    image.src = `api/episodes/${encodeURIComponent(this.id)}/goals/${encodeURIComponent(view.camera)}/${number}`;
    view.wanted = image.src;
  }
}

// Which goal was in force at a step, -1 before the first.
export function numberAt(goals, step) {
  return goals.findLastIndex((goal) => goal.from_step <= step);
}

function wordsOf(goal) {
  const stage = goal.stage === null ? "" : `, stage ${goal.stage}`;
  return `${goal.name.split("/").at(-1)}${stage}, from step ${goal.from_step}`;
}
