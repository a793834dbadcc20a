// How it will be said, word by word; a click changes it, and the change is written into the text.

import { ask, byId, el, t, textField, toast, type } from "./dom.js";

const WAIT_MS = 300;
let lang = "auto";
let timer = 0;
let asked = 0;
// What the chips belong to, so that an editor is not closed by a second look at the same text.
let shown = null;

export const setLang = (name) => {
  lang = name;
  refresh();
};

export function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, WAIT_MS);
}

export async function refresh() {
  const text = textField().value;
  if (shown === text + lang) return;
  const number = ++asked;
  const place = byId("cat-said");
  closeEditor();
  try {
    const { words, whole } = await (await ask("app/pronounce", { text, lang })).json();
    if (number !== asked) return;
    shown = text + lang;
    place.replaceChildren(...words.map(chip));
    if (!whole) place.append(el("p", { className: "cat-note" }, t("said_part")));
  } catch (error) {
    if (number !== asked) return;
    shown = null;
    place.replaceChildren(el("p", { className: "cat-note cat-bad" }, error.message));
  }
}

function chip(word, index) {
  const inside = [el("span", {}, word.text)];
  if (word.said) inside.push(...spelled(word));
  if (!word.editable) return el("span", { className: "cat-mark" }, ...inside);
  const kind = word.source === "override" ? "cat-word cat-own" : "cat-word";
  return el(
    "button",
    { type: "button", className: kind, lang: word.lang, onclick: () => edit(word, index) },
    ...inside,
  );
}

/** How it is said, for everybody; for experts the phonemes too. */
function spelled({ said, respelled }) {
  const parts = [el("small", {}, respelled)];
  if (said !== respelled) parts.push(el("small", { className: "cat-expert" }, said));
  return parts;
}

function edit(word, index) {
  const form = byId("cat-edit");
  const input = el("input", { name: "said", value: word.said, autocomplete: "off", id: "cat-edit-said" });
  const choose = (other) =>
    el(
      "button",
      { type: "button", title: other.said, onclick: () => write(index, other.said) },
      ...spelled(other),
    );
  form.replaceChildren(
    el("label", { htmlFor: "cat-edit-said" }, t("said_edit", { word: word.text })),
    input,
    el("small", {}, t("said_format")),
    el("div", { className: "cat-chips" }, ...word.candidates.map(choose)),
    el("button", { type: "submit", className: "cat-main" }, t("apply")),
    el("button", { type: "button", onclick: closeEditor }, t("cancel")),
  );
  if (word.source === "override")
    form.append(el("button", { type: "button", onclick: () => write(index, "") }, t("reset")));
  form.onsubmit = (event) => {
    event.preventDefault();
    write(index, input.value);
  };
  form.hidden = false;
  input.focus();
  input.select();
}

function closeEditor() {
  byId("cat-edit").hidden = true;
}

async function write(index, said) {
  try {
    const body = { text: textField().value, index, said, lang };
    const { text } = await (await ask("app/override", body)).json();
    type("#cat-text textarea", text);
    toast("");
    await refresh();
  } catch (error) {
    toast(error.message, true);
  }
}
