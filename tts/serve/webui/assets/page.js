// Wires the page: speaking, result, history, keys.

import { ask, base, byId, el, loadWords, t, textField, toast, type } from "./dom.js";
import { drawWave, LivePlayer, wavFile } from "./player.js";
import { refresh, refreshSoon, setLang } from "./pronounce.js";
import { Run } from "./run.js";
import { timedWords, WordLight } from "./words.js";
import { choice, choiceName, loadVoices, save, setOwn } from "./voices.js";

const NAMES = ["text", "lang", "num_codebooks", "seed", "speed", "temperature"];
NAMES.push("text_temperature", "top_p", "top_k", "repetition_penalty");
const KEPT_RUNS = 8;
const DOWNLOADS = ["wav", "flac", "mp3", "ogg"];

let health = { sample_rate: 24000, channels: 1, frame_rate: 25, num_codebooks: 1 };
/** Samples a second, of all channels. */
const rate = () => health.sample_rate * health.channels;
let costs = [];
let run = null;
let live = null;
let url = null;
let spokenWords = null;
const past = [];

/** Speak with what Gradio's fields hold, in the order of NAMES. */
function generate(values) {
  const wishes = Object.fromEntries(NAMES.map((name, i) => [name, values[i]]));
  // Gradio hands the text over a moment after it was typed.
  wishes.text = textField().value;
  if (!wishes.text.trim()) return toast(t("no_text"), true);
  for (const name of NAMES) if (wishes[name] === null || wishes[name] === "") delete wishes[name];
  speak({ ...wishes, ...choice() }, choiceName());
}

async function speak(wishes, label) {
  stop();
  byId("cat-audio").pause();
  const mine = (run = new Run(wishes, label, health.sample_rate));
  const clicked = performance.now();
  const player = (live = new LivePlayer(health.sample_rate, health.channels));
  // For those who want to see that sound comes out, tests among them.
  window.catTts.live = player;
  player.onended = () => player.stop();
  document.body.classList.add("cat-speaking");
  toast("");
  render();
  try {
    await mine.go((event) => {
      if (run !== mine) return;
      if (event.type === "queued") mine.before = event.before;
      if (event.type === "sound") {
        player.push(event.samples, expectedS(mine));
        mine.heardMs ??= player.begun ? player.heardAt - clicked : undefined;
      }
      render();
    });
  } catch (error) {
    if (run === mine) toast(error.message, true);
  }
  if (mine.samples.length) remember(mine);
  if (run !== mine) return;
  if (mine.state === "stopped") player.stop();
  else player.finish();
  document.body.classList.remove("cat-speaking");
  offer(mine);
  render();
}

const expectedS = (one) =>
  Math.max(0, one.expectedFrames - one.frames) * (1 / health.frame_rate) / one.wishes.speed;

function stop() {
  run?.abort.abort();
  live?.stop();
  live = null;
  document.body.classList.remove("cat-speaking");
}

/** Give the samples to the player and its downloads. */
function offer(one) {
  const audio = byId("cat-audio");
  if (url) URL.revokeObjectURL(url);
  url = URL.createObjectURL(wavFile(one.samples, health.sample_rate, health.channels));
  audio.hidden = one.samples.length === 0;
  audio.src = url;
  const links = one.result
    ? DOWNLOADS.map((ending) => [ending, new URL(`app/results/${one.result}.${ending}`, base)])
    : [["wav", url]];
  const again = { type: "button", className: "cat-chip", onclick: () => repeat(one) };
  byId("cat-downloads").replaceChildren(
    el("button", { ...again, id: "cat-again" }, t("again")),
    ...(one.samples.length ? links : []).map(([ending, href]) =>
      el("a", { href, download: `speech.${ending}`, className: "cat-chip" }, `↓ ${ending}`),
    ),
  );
}

function render() {
  const one = run;
  if (!one) return;
  byId("cat-status").textContent = statusOf(one);
  const progress = byId("cat-progress");
  if (one.state === "waiting") progress.removeAttribute("value");
  else progress.value = one.state === "done" ? 1 : Math.min(0.99, one.frames / one.expectedFrames);
  facts(one);
  pieces(one);
  spokenWords.show(one.wishes.text, timedWords(one.pieces, health.sample_rate));
  wave();
}

/** From a word that was clicked. */
function playFrom(seconds) {
  const audio = byId("cat-audio");
  if (audio.hidden) return;
  audio.currentTime = seconds;
  audio.play();
}

function statusOf(one) {
  if (one.state === "waiting")
    return one.before ? t("waiting", { n: one.before }) : t("starting");
  if (one.state !== "speaking") return t(one.state);
  const total = Math.max(one.expectedFrames, one.frames);
  const place = one.pieces.findIndex((piece) => piece.state === "speaking");
  const which = t("piece_of", { n: Math.max(0, place) + 1, total: one.pieces.length });
  const done = t("progress", { frames: one.frames, total });
  return one.pieces.length > 1 ? `${done}, ${which}` : done;
}

function facts(one) {
  const rows = [];
  const samples = one.samples.reduce((sum, part) => sum + part.length, 0);
  if (samples) rows.push([t("duration"), `${(samples / rate()).toFixed(2)} s`]);
  if (one.facts) rows.push([t("rtf"), one.facts.rtf.toFixed(2), t("rtf_hint")]);
  if (one.heardMs) rows.push([t("ttfa"), `${Math.round(one.heardMs)} ms`]);
  rows.push([t("seed"), String(one.wishes.seed)]);
  byId("cat-facts").replaceChildren(
    ...rows.map(([what, value, hint]) =>
      el("div", { title: hint ?? "" }, el("dt", {}, what), el("dd", {}, value)),
    ),
  );
}

function repeat(one) {
  type("#cat-seed input", one.wishes.seed);
  speak({ ...one.wishes }, one.label);
}

function pieces(one) {
  const place = byId("cat-pieces");
  if (one.pieces.length < 2) return place.replaceChildren();
  const over = ["done", "stopped", "failed"].includes(one.state);
  const rows = one.pieces.map((piece, index) => {
    const row = el(
      "li",
      { className: `cat-piece cat-${piece.state}` },
      el("span", {}, piece.text),
      el("small", {}, t(`piece_${piece.state}`)),
    );
    if (over && piece.state !== "waiting" && piece.state !== "speaking")
      row.append(
        el("button", { type: "button", onclick: () => sayAgain(one, index) }, t("say_again")),
      );
    return row;
  });
  place.replaceChildren(el("h2", {}, t("pieces")), el("ol", {}, ...rows));
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

function wave() {
  if (!run) return;
  const audio = byId("cat-audio");
  const total = run.samples.reduce((sum, part) => sum + part.length, 0) || 1;
  const expected = run.state === "speaking" ? total + expectedS(run) * rate() : 0;
  const playing = live && live.context.state !== "closed";
  const at = playing ? live.position : audio.currentTime;
  spokenWords.light(playing || !audio.paused ? at : -1);
  drawWave(byId("cat-wave"), run.samples, expected, (at * rate()) / Math.max(total, expected));
  if (playing || !audio.paused) requestAnimationFrame(wave);
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
        el("small", {}, `${old.label}, ${t("seed")} ${old.wishes.seed}`),
        el("button", { type: "button", onclick: () => recall(old) }, t("play")),
        el("button", { type: "button", onclick: () => repeat(old) }, t("again")),
      ),
    ),
  );
}

function recall(old) {
  stop();
  run = old;
  offer(old);
  render();
  byId("cat-audio").play();
}

function dice() {
  type("#cat-seed input", Math.floor(Math.random() * 1e6));
}

function cost(n) {
  const total = health.num_codebooks;
  const rtf = costs[n - 1];
  byId("cat-cost").textContent =
    rtf == null ? t("quality_unknown", { n, total }) : t("quality_cost", { n, total, rtf: rtf.toFixed(2) });
}

async function loadCosts(tries = 20) {
  costs = await (await ask("app/costs")).json();
  cost(Number(document.querySelector("#cat-quality input[type=number]")?.value ?? costs.length));
  // They are known once the server has warmed up.
  if (costs[0] == null && tries) setTimeout(() => loadCosts(tries - 1), 3000);
}

function keys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    byId("cat-speak").click();
  } else if (event.key === "Escape") stop();
}

function theme() {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem("cat-theme", dark ? "dark" : "light");
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
    wave();
  }
}

async function begin() {
  const remembered = localStorage.getItem("cat-theme");
  if (remembered) document.body.classList.toggle("dark", remembered === "dark");
  const language = byId("cat-header").dataset.language;
  document.documentElement.lang = language;
  await loadWords(language);
  health = await (await ask("health")).json();
  const place = el("p", { id: "cat-words", hidden: true });
  byId("cat-audio").after(place);
  spokenWords = new WordLight(place, playFrom);
  document.addEventListener("click", clicks);
  document.addEventListener("keydown", keys);
  textField().addEventListener("input", refreshSoon);
  // On the document, because Gradio makes what is folded away only when it is unfolded.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "cat-save") return;
    event.preventDefault();
    save(event.target);
  });
  byId("cat-audio").addEventListener("play", () => {
    live?.stop();
    wave();
  });
  new MutationObserver(() => setOwn(byId("cat-report")?.dataset.prompt ?? null)).observe(
    document.body,
    { childList: true, subtree: true },
  );
  await loadVoices();
  await refresh();
  await loadCosts();
  document.body.dataset.cat = "ready";
}

window.catTts = { generate, stop, dice, cost, readIn: setLang };

// Gradio builds the page after this script has been read.
const parts = ["cat-header", "cat-audio", "cat-gallery", "cat-said", "cat-speak"];
const wait = setInterval(() => {
  if (!parts.every(byId) || !textField()) return;
  clearInterval(wait);
  begin().catch((error) => toast(error.message, true));
}, 50);
