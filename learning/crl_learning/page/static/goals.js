// Goals as thumbnails: click one to use it, drop an image anywhere to add one; stages in their order.

import { ask } from "./link.js";
import { element, make } from "./panels.js";

export class Goals {
  constructor(say) {
    Object.assign(this, { say, drawn: "", drawnStages: "" });
    element("file").addEventListener("change", ({ target }) => {
      if (target.files[0]) this.upload(target.files[0]);
      target.value = "";
    });
    for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, (event) => this.drag(event));
  }

  drag(event) {
    event.preventDefault();
    document.body.classList.toggle("dropping", event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files[0]) this.upload(event.dataTransfer.files[0]);
  }

  async upload(file) {
    this.say(await ask(`goals?name=${encodeURIComponent(file.name)}`, { body: file }));
  }

  show({ goals, policy }) {
    const state = JSON.stringify(goals);
    if (state !== this.drawn) {
      this.drawn = state;
      element("shelf").replaceChildren(...goals.items.map((goal) => this.tile(goal, goals.chosen)), element("add"));
    }
    this.stages(policy);
  }

  tile({ id, label }, chosen) {
    const image = Object.assign(make("img"), { src: `goals/${id}.png`, alt: "" });
    const remove = Object.assign(make("button", "remove", "\u00d7"), { title: "remove" });
    const tile = make("div", `tile${id === chosen ? " chosen" : ""}`, image, make("span", "", label), remove);
    Object.assign(tile, { tabIndex: 0, role: "button", title: label });
    tile.dataset.goal = id;
    const choose = async () => this.say(await ask(`goals/${id}`));
    tile.addEventListener("click", choose);
    tile.addEventListener("keydown", ({ key, target }) => key === "Enter" && target === tile && choose());
    remove.addEventListener("click", async (event) => {
      event.stopPropagation();
      this.say(await ask(`goals/${id}`, { method: "DELETE" }));
    });
    return tile;
  }

  stages(policy) {
    const stages = policy?.stages ?? [];
    element("stages").hidden = stages.length < 2;
    if (stages.length < 2) return;
    const at = policy.stage ?? 0;
    const state = JSON.stringify([stages.map(({ source, reached }) => [source, reached]), at]);
    if (state === this.drawnStages) return;
    this.drawnStages = state;
    element("stages-facts").textContent = `${at + 1} of ${stages.length}, in this order; click to go to one`;
    element("stage-list").replaceChildren(...stages.map((stage, index) => this.stage(stage, index, at)));
  }

  stage({ source, reached }, index, at) {
    const name = source.split("/").at(-1);
    const tile = make("li", `tile${index === at ? " chosen" : ""}${reached ? " done" : ""}`, make("canvas", "strip"), make("span", "", `${index + 1}  ${name}`));
    Object.assign(tile, { tabIndex: 0, role: "button", title: source });
    tile.dataset.stage = index;
    const choose = async () => this.say(await ask(`stages/${index}`));
    tile.addEventListener("click", choose);
    tile.addEventListener("keydown", ({ key }) => key === "Enter" && choose());
    queueMicrotask(() => this.cut(index));
    return tile;
  }

  // One picture holds the thumbnails of all stages side by side.
  async strip(bytes) {
    this.stripPicture = await createImageBitmap(new Blob([bytes])).catch(() => null);
    document.querySelectorAll("#stage-list canvas").forEach((_, index) => this.cut(index));
  }

  cut(index) {
    const canvas = document.querySelectorAll("#stage-list canvas")[index];
    const count = document.querySelectorAll("#stage-list li").length;
    if (!canvas || !this.stripPicture) return;
    const width = this.stripPicture.width / count;
    Object.assign(canvas, { width, height: this.stripPicture.height });
    canvas.getContext("2d").drawImage(this.stripPicture, -index * width, 0);
  }
}
