// Wires the page: speaking, result, history, keys.

import { ask, byId, el, loadWords, t, textField, toast, type } from "./dom.js";
import { LivePlayer } from "./player.js";
import { refresh, refreshSoon, setLang } from "./pronounce.js";
import * as result from "./result.js";
import { Run } from "./run.js";
import * as settings from "./settings.js";
import { choice, choiceFace, choiceName, loadVoices, save, setOwn, whenChosen } from "./voices.js";
import { drawWave } from "./wave.js";
import { timedWords, WordLight } from "./words.js";

const KEPT_RUNS = 8;
// How often the time left is told anew.
const TOLD_MS = 250;

// `rate` is added: samples a second, of all channels.
let health = { sample_rate: 24000, channels: 1, frame_rate: 25, rate: 24000 };
let run = null;
let live = null;
let spokenWords = null;
let drawing = false;
let told = 0;
const past = [];

/** Speak what stands in the text with what the settings say. */
function generate(more = {}) {
  try {
    const text = textField().value;
    if (!text.trim()) throw new Error(t("no_text"));
    speak({ ...settings.wishes(), ...more, text, ...choice() }, choiceName(), choiceFace());
  } catch (error) {
    result.problem(error.message);
    result.present();
  }
}

async function speak(wishes, label, name) {
  stop();
  result.clear();
  result.portrait(name, label);
  const mine = (run = new Run(wishes, label, name, health.rate));
  const clicked = performance.now();
  const player = (live = new LivePlayer(health.sample_rate, health.channels));
  // For those who want to see that sound comes out, tests among them.
  window.catTts.live = player;
  player.onended = () => player.stop();
  document.body.classList.add("cat-speaking");
  toast("");
  render();
  result.present();
  try {
    await mine.go((event) => {
      if (run !== mine) return;
      if (event.type === "queued") mine.before = event.before;
      if (event.type === "sound") {
        mine.firstAt ??= performance.now();
        player.push(event.samples, result.expectedS(mine, health));
        mine.heardMs ??= player.begun ? player.heardAt - clicked : undefined;
      }
      render();
    });
  } catch (error) {
    if (run === mine) result.problem(error.message, () => generate());
  }
  if (mine.samples.length) remember(mine);
  if (run !== mine) return;
  if (mine.state === "stopped") player.stop();
  else player.finish();
  document.body.classList.remove("cat-speaking");
  if (mine.samples.length) offer(mine);
  render();
}

function stop() {
  run?.abort.abort();
  live?.stop();
  live = null;
  document.body.classList.remove("cat-speaking");
}

function offer(one) {
  result.offer(one, health, { again: () => repeat(one), another: () => generate({ seed: settings.newSeed() }) });
}

function render() {
  if (!run) return;
  result.render(run, live, health);
  result.pieces(run, (index) => sayAgain(run, index));
  spokenWords.show(run.wishes.text, timedWords(run.pieces, health.rate));
  draw();
}

/** From a word that was clicked. */
function playFrom(seconds) {
  const audio = byId("cat-audio");
  if (audio.hidden) return;
  audio.currentTime = seconds;
  audio.play();
}

/** Draw now, and on while something is heard. */
function draw() {
  if (!run) return;
  const at = result.wave(run, live, health);
  spokenWords.light(at ?? -1);
  if (at === null || drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (run?.state === "speaking" && performance.now() - told > TOLD_MS) {
      told = performance.now();
      result.render(run, live, health);
    }
    draw();
  });
}

/** Once more with the same seed and everything. */
function repeat(one) {
  settings.setSeed(result.seedOf(one));
  speak({ ...one.wishes, seed: result.seedOf(one) }, one.label, one.name);
}

async function sayAgain(one, index) {
  one.abort = new AbortController();
  try {
    await one.again(index, () => run === one && render());
    if (run === one) offer(one);
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, true);
  }
}

function remember(one) {
  past.unshift(one);
  past.length = Math.min(past.length, KEPT_RUNS);
  const list = byId("cat-history");
  list.hidden = false;
  list.querySelector("ol").replaceChildren(
    ...past.map((old) =>
      el(
        "li",
        {},
        el("span", {}, old.wishes.text.slice(0, 60)),
        el("small", {}, old.label),
        el("button", { type: "button", onclick: () => recall(old) }, t("play")),
        el("button", { type: "button", onclick: () => repeat(old), className: "cat-expert" }, t("again")),
      ),
    ),
  );
}

function recall(old) {
  stop();
  result.clear();
  run = old;
  result.portrait(old.name, old.label);
  offer(old);
  render();
  byId("cat-audio").play();
}

function keys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    generate();
  } else if (event.key === "Escape") stop();
}

function theme() {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem("cat-theme", dark ? "dark" : "light");
  draw();
}

function clicks(event) {
  const example = event.target.closest?.("[data-example]");
  if (example) {
    type("#cat-text textarea", example.dataset.example);
    refresh();
  }
  if (event.target.closest?.("[data-act=theme]")) theme();
  if (event.target.id === "cat-wave" && !byId("cat-audio").hidden) {
    const box = event.target.getBoundingClientRect();
    const audio = byId("cat-audio");
    audio.currentTime = ((event.clientX - box.left) / box.width) * audio.duration;
    draw();
  }
}

/** A file dropped on the part for recordings is as good as a chosen one. */
function drops() {
  const inside = (event) => event.target.closest?.("#cat-prompt");
  document.addEventListener("dragover", (event) => inside(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    const field = document.querySelector("#cat-prompt input[type=file]");
    if (!inside(event) || !field || !event.dataTransfer.files.length) return;
    event.preventDefault();
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function listen() {
  // Gradio shows no label here, and so gives it no name.
  textField().setAttribute("aria-label", t("text"));
  document.addEventListener("click", clicks);
  document.addEventListener("keydown", keys);
  byId("cat-speak").onclick = () => generate();
  byId("cat-stop").onclick = stop;
  textField().addEventListener("input", refreshSoon);
  // On the document, because Gradio makes what is folded away only when it is unfolded.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "cat-save") return;
    event.preventDefault();
    save(event.target);
  });
  drops();
  // On a phone the bar of Speak tells what the result would, where that is out of sight.
  const seen = ([entry]) => (byId("cat-dock").hidden = entry.isIntersecting);
  new IntersectionObserver(seen, { threshold: 0.5 }).observe(byId("cat-told"));
  settings.listen(setLang);
  byId("cat-audio").addEventListener("play", () => {
    live?.stop();
    draw();
  });
  const watch = () => setOwn(byId("cat-report")?.dataset.prompt ?? null);
  new MutationObserver(watch).observe(document.body, { childList: true, subtree: true });
  whenChosen(() => document.body.classList.contains("cat-speaking") || result.portrait(choiceFace(), choiceName()));
}

async function begin() {
  const remembered = localStorage.getItem("cat-theme");
  if (remembered) document.body.classList.toggle("dark", remembered === "dark");
  const language = byId("cat-header").dataset.language;
  document.documentElement.lang = language;
  await loadWords(language);
  health = await (await ask("health")).json();
  health.rate = health.sample_rate * health.channels;
  spokenWords = new WordLight(byId("cat-words"), playFrom);
  listen();
  drawWave(byId("cat-wave"), [], 1, 0);
  await loadVoices();
  await refresh();
  await settings.loadCosts();
  document.body.dataset.cat = "ready";
}

window.catTts = { generate, stop };

// Gradio builds the page after this script has been read.
const parts = ["cat-header", "cat-audio", "cat-gallery", "cat-said", "cat-speak", "cat-settings", "cat-nav"];
const wait = setInterval(() => {
  if (!parts.every(byId) || !textField()) return;
  clearInterval(wait);
  begin().catch((error) => result.problem(error.message));
}, 50);
