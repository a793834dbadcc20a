// The cards of voices: choose, listen, delete; and saving a recording as a voice.

import { ask, base, byId, el, shown, t, toast, type } from "./dom.js";
import { face, hueOf } from "./faces.js";

const listen = new Audio();
let voices = [];
let usual = null;
let chosen = null;
let own = null;
let changed = () => {};

/** What to speak with: {voice} or {prompt}. */
export const choice = () => (chosen === "" && own ? { prompt: own } : { voice: chosen || null });
export const choiceName = () => (chosen === "" ? t("own_voice") : title(chosen ?? ""));
/** What the face of the choice is drawn from. */
export const choiceFace = () => chosen || "my recording";
/** Have `call` called whenever another voice is chosen. */
export const whenChosen = (call) => (changed = call);

const title = (name) => name.replace(/(^|[-_])(\w)/g, (_, gap, letter) => (gap ? " " : "") + letter.toUpperCase());

/** Fetch and show them; `select` is chosen and brought before the eyes. */
export async function loadVoices(select) {
  const listed = await (await ask("v1/voices")).json();
  voices = listed.data;
  usual = listed.default;
  if (select !== undefined) chosen = select;
  if (chosen !== "" && !voices.some((voice) => voice.id === chosen)) chosen = first();
  show();
  if (select !== undefined) present(select);
}

/** The voice to begin with: one of the page's language, the package's own default if it fits. */
function first() {
  const lang = document.documentElement.lang;
  const fitting = voices.filter((voice) => voice.lang === lang);
  const best = fitting.find((voice) => voice.id === usual) ?? fitting[0];
  return best?.id ?? usual ?? null;
}

function present(id) {
  const card = document.querySelector(`[data-voice="${CSS.escape(id)}"]`);
  card?.scrollIntoView({ block: "center" });
  card?.querySelector("input").focus({ preventScroll: true });
}

/** A checked recording is there, or is gone (null). */
export function setOwn(handle) {
  if (handle === own) return;
  own = handle;
  if (own) chosen = "";
  else if (chosen === "") chosen = null;
  loadVoices();
}

function show() {
  const lang = document.documentElement.lang;
  const known = ["en", "zh"];
  const groups = [lang, ...known.filter((other) => other !== lang), "und"];
  const mine = own ? [{ id: "", name: "", lang: "und", description: t("own_hint") }] : [];
  byId("cat-gallery").replaceChildren(
    ...groups.flatMap((group) => {
      const members = [...mine, ...voices].filter(
        (voice) => voice.lang === group || (group === "und" && !known.includes(voice.lang)),
      );
      members.sort((a, b) => (b.id === usual) - (a.id === usual));
      if (!members.length) return [];
      return [el("h3", {}, t(`voices_${group}`)), el("div", { className: "cat-cards" }, ...members.map(card))];
    }),
  );
  if (!voices.length && !own) byId("cat-gallery").append(el("p", { className: "cat-note" }, t("voices_none")));
  changed();
}

function choose(id) {
  chosen = id;
  changed();
}

function card(voice) {
  const name = voice.id ? title(voice.name) : t("own_voice");
  const who = [shown(voice.accent), { f: t("woman"), m: t("man") }[voice.gender]];
  const input = el("input", {
    type: "radio",
    name: "cat-voice",
    value: voice.id,
    checked: voice.id === chosen,
    onchange: () => choose(voice.id),
  });
  const portrait = el("span", { className: "cat-face" });
  portrait.innerHTML = face(voice.id || "my recording");
  const label = el(
    "label",
    {},
    input,
    portrait,
    el("b", {}, name),
    el("small", {}, who.filter(Boolean).join(" · ")),
    el("em", {}, shown(voice.description)),
  );
  const item = el("div", { className: "cat-voice", "data-voice": voice.id }, label);
  item.style.setProperty("--cat-hue", hueOf(voice.id || "my recording"));
  if (voice.id) item.append(button("▶", t("play_voice", { name }), () => play(voice)));
  if (voice.id && !voice.shipped)
    item.append(button("✕", t("delete_voice", { name }), () => remove(voice)));
  return item;
}

const button = (sign, name, onclick) =>
  el("button", { type: "button", onclick, title: name, "aria-label": name }, sign);

async function play(voice) {
  listen.src = new URL(`v1/voices/${encodeURIComponent(voice.id)}/sample`, base);
  try {
    await listen.play();
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, true);
  }
}

async function remove(voice) {
  if (!window.confirm(t("delete_sure", { name: voice.name }))) return;
  try {
    await ask(`v1/voices/${encodeURIComponent(voice.id)}`, undefined, { method: "DELETE" });
    toast(t("deleted", { name: voice.name }));
  } catch (error) {
    toast(error.message, true);
  }
  await loadVoices();
}

/** Save the checked recording under the name in `form`. */
export async function save(form) {
  if (!own) return toast(t("save_first"), true);
  try {
    const answer = await ask("app/voices", { prompt: own, name: form.elements.name.value.trim() });
    const { name } = await answer.json();
    type("#cat-name", "");
    await loadVoices(name);
    toast(t("saved", { name }));
  } catch (error) {
    toast(error.message, true);
  }
}
