// The gallery: choose, listen, delete; and saving a recording as a voice.

import { ask, base, byId, el, t, toast, type } from "./dom.js";

const listen = new Audio();
let voices = [];
let chosen = null;
let own = null;

/** What to speak with: {voice} or {prompt}. */
export const choice = () => (chosen === "" && own ? { prompt: own } : { voice: chosen || null });
export const choiceName = () => (chosen === "" ? t("own_voice") : (chosen ?? ""));

export async function loadVoices(select) {
  voices = (await (await ask("v1/voices")).json()).data;
  const names = voices.map((voice) => voice.id);
  if (select !== undefined) chosen = select;
  if (chosen !== "" && !names.includes(chosen))
    chosen = usual(names);
  show();
}

/** The voice to begin with: one of the page's language, else the package's own default. */
function usual(names) {
  const fitting = voices.find((voice) => voice.lang === document.documentElement.lang);
  const known = names.includes("rms") ? "rms" : (names[0] ?? null);
  return document.documentElement.lang === "zh" && fitting ? fitting.id : known;
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
  const gallery = byId("cat-gallery");
  gallery.replaceChildren();
  if (own) gallery.append(card({ id: "", name: t("own_voice"), lang: "", description: "" }));
  for (const voice of voices) gallery.append(card(voice));
  if (!gallery.children.length) gallery.append(el("p", { className: "cat-note" }, t("voices_none")));
}

function card(voice) {
  const told = [voice.lang === "und" ? "" : voice.lang, voice.gender, voice.description];
  const input = el("input", {
    type: "radio",
    name: "cat-voice",
    value: voice.id,
    checked: voice.id === chosen,
    onchange: () => (chosen = voice.id),
  });
  const label = el(
    "label",
    {},
    input,
    el("b", {}, voice.name),
    el("small", {}, told.filter(Boolean).join(", ")),
  );
  const item = el("div", { className: "cat-voice", "data-voice": voice.id }, label);
  if (voice.id) item.append(button("▶", t("play_voice", { name: voice.name }), () => play(voice)));
  if (voice.id && !voice.shipped)
    item.append(button("✕", t("delete_voice", { name: voice.name }), () => remove(voice)));
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
