// How to speak: the form of settings, and the switch that shows experts the rest of it.

import { ask, byId, t } from "./dom.js";

const form = () => byId("cat-settings");
let costs = [];

const isExpert = () => document.body.classList.contains("cat-expert-on");

/** What the fields ask for; an empty one asks for nothing. Error where a number is none. */
export function wishes() {
  const asked = {};
  for (const field of form().elements) {
    if (!field.name || (field.closest(".cat-expert") && !isExpert())) continue;
    if (field.type === "number" && isWrong(field)) {
      field.focus();
      const name = field.closest("label").firstChild.textContent.trim();
      throw new Error(t("number_bounds", { name, low: field.min, high: field.max }));
    }
    if (field.value !== "")
      asked[field.name] = field.type === "select-one" ? field.value : Number(field.value);
  }
  return asked;
}

/** Whether a number cannot be used; steps are for the arrows, and only whole ones bind. */
function isWrong(field) {
  const { badInput, rangeUnderflow, rangeOverflow, stepMismatch } = field.validity;
  return badInput || rangeUnderflow || rangeOverflow || (stepMismatch && field.step === "1");
}

export function setSeed(seed) {
  form().elements.seed.value = seed;
}

export const newSeed = () => Math.floor(Math.random() * 1e6);

function cost() {
  const total = Number(form().elements.num_codebooks.max);
  const n = Number(form().elements.num_codebooks.value);
  const rtf = costs[n - 1];
  byId("cat-cost").textContent =
    rtf == null ? t("quality_unknown", { n, total }) : t("quality_cost", { n, total, rtf: rtf.toFixed(2) });
}

export async function loadCosts(tries = 20) {
  costs = await (await ask("app/costs")).json();
  cost();
  // They are known once the server has warmed up.
  if (costs[0] == null && tries) setTimeout(() => loadCosts(tries - 1), 3000);
}

function expert(on) {
  document.body.classList.toggle("cat-expert-on", on);
  document.querySelector("[data-act=expert]").setAttribute("aria-checked", String(on));
  localStorage.setItem("cat-expert", on ? "1" : "");
}

/** Listen to the form; `changedLang(lang)` is called with how digits are to be read. */
export function listen(changedLang) {
  expert(Boolean(localStorage.getItem("cat-expert")));
  document.querySelector("[data-act=expert]").onclick = () => expert(!isExpert());
  document.querySelector("[data-act=dice]").onclick = () => setSeed(newSeed());
  form().addEventListener("input", ({ target }) => {
    const shown = target.closest("label")?.querySelector(".cat-value");
    if (shown) shown.textContent = target.value;
    if (target.name === "num_codebooks") cost();
    if (target.name === "lang") changedLang(target.value);
  });
  form().addEventListener("submit", (event) => event.preventDefault());
}
