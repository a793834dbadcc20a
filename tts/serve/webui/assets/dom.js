// Small helpers that all parts of the page use.

export const base = new URL("../../", import.meta.url);
export const client = crypto.getRandomValues(new Uint32Array(2)).join("-");
let words = {};

export const byId = (id) => document.getElementById(id);

/** Text of the interface, with {names} filled in. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** An accent or description of a shipped voice, as the page's language has it. */
export const shown = (text) => words.cards?.[text] ?? text ?? "";

export async function loadWords(language) {
  words = await (await fetch(new URL(`app/texts/${language}`, base))).json();
}

/** An element with properties, attributes (where the name has a dash) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Ask the server; errors come out as Error with the server's own message. */
export async function ask(path, body, options = {}) {
  const headers = { "X-Client-Id": client, "X-Language": document.documentElement.lang };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(new URL(path, base), {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      ...options,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("no_server"));
  }
  if (!answer.ok) throw new Error(await problem(answer));
  return answer;
}

async function problem(answer) {
  if (answer.status === 429 || answer.status === 503)
    return t("busy", { s: answer.headers.get("Retry-After") ?? "5" });
  try {
    return (await answer.json()).error.message;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

const NOTE_MS = 8000;
let noted = 0;

/** One line above everything; what is `bad` stays until the next one. */
export function toast(message, bad = false) {
  const line = byId("cat-toast");
  line.textContent = message;
  line.classList.toggle("cat-bad", bad);
  clearTimeout(noted);
  if (!bad) noted = setTimeout(() => (line.textContent = ""), NOTE_MS);
}

/** Put a value into one of Gradio's fields as if it were typed. */
export function type(selector, value) {
  const field = document.querySelector(selector);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export const textField = () => document.querySelector("#cat-text textarea");
