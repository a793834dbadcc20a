// What Speak does, shown: its state, the sound as it grows, and at the end player and downloads.

import { base, byId, el, t } from "./dom.js";
import { face } from "./faces.js";
import { wavFile } from "./player.js";
import { drawWave } from "./wave.js";

const DOWNLOADS = ["wav", "flac", "mp3", "ogg"];
const OVER = ["done", "stopped", "failed"];
let url = null;

const seconds = (value) => t("seconds", { s: value.toFixed(1) });
const lengthOf = (parts) => parts.reduce((sum, part) => sum + part.length, 0);

export const seedOf = (one) => one.facts?.seed ?? one.wishes.seed ?? 0;

/** Seconds of sound still to come. */
export const expectedS = (one, health) =>
  Math.max(0, one.expectedFrames - one.frames) / health.frame_rate;

/** Whose face is shown, and who is said to be about to read. */
export function portrait(name, label) {
  byId("cat-face").innerHTML = face(name);
  byId("cat-who").textContent = t("speaks_as", { name: label });
}

/** Bring the result before the eyes where it is not. */
export function present() {
  const gently = window.matchMedia("(prefers-reduced-motion: no-preference)").matches;
  byId("cat-result").scrollIntoView({ block: "nearest", behavior: gently ? "smooth" : "auto" });
}

/** Nothing of what was spoken before stays in the player. */
export function clear() {
  const audio = byId("cat-audio");
  audio.pause();
  audio.hidden = true;
  audio.removeAttribute("src");
  if (url) URL.revokeObjectURL(url);
  url = null;
  for (const id of ["cat-downloads", "cat-facts", "cat-pieces", "cat-notes"]) byId(id).replaceChildren();
  problem("");
}

/** An error where the result would be; `retry` tries again. */
export function problem(message, retry) {
  const place = byId("cat-problem");
  place.replaceChildren(message);
  if (message && retry) {
    const again = { type: "button", className: "cat-chip", onclick: retry };
    place.append(" ", el("button", again, t("retry")));
  }
  if (message && !retry) state("failed", t("failed"), "");
}

/** Only where it is new, because screen readers read what is put. */
function put(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function state(name, status, detail) {
  byId("cat-result").dataset.state = name;
  put("cat-status", status);
  put("cat-detail", detail);
  put("cat-dock", [status, detail].filter(Boolean).join(" · "));
}

/** Show where a run is. */
export function render(one, live, health) {
  const waits = one.state === "waiting";
  const status = waits
    ? one.before ? t("waiting", { n: one.before }) : t("starting")
    : t(one.state);
  state(one.state, status, detailOf(one, live, health));
  const progress = byId("cat-progress");
  if (waits) progress.removeAttribute("value");
  else progress.value = one.state === "done" ? 1 : Math.min(0.99, one.frames / one.expectedFrames);
  byId("cat-stop").disabled = OVER.includes(one.state);
  byId("cat-notes").replaceChildren(...one.notes.map((note) => el("li", {}, note)));
  facts(one, health);
}

function detailOf(one, live, health) {
  const made = lengthOf(one.samples) / health.rate;
  if (one.state === "done") return t("done_hint", { made: seconds(made), name: one.label });
  if (one.state !== "speaking") return made ? seconds(made) : "";
  const to_come = expectedS(one, health);
  const elapsed = (performance.now() - (one.firstAt ?? performance.now())) / 1000;
  const pace = made > 0 && elapsed > 0.5 ? made / elapsed : 1;
  const unheard = made + to_come - (live?.position ?? 0);
  const left = Math.max(1, Math.ceil(Math.max(unheard, to_come / pace)));
  const told = [t("left", { made: seconds(made), left: t("seconds", { s: left }) })];
  const place = one.pieces.findIndex((piece) => piece.state === "speaking");
  if (one.pieces.length > 1)
    told.push(t("piece_of", { n: Math.max(0, place) + 1, total: one.pieces.length }));
  return told.join(" · ");
}

function facts(one, health) {
  const rows = [];
  const samples = lengthOf(one.samples);
  if (samples) rows.push([t("duration"), `${(samples / health.rate).toFixed(2)} s`]);
  if (one.frames) rows.push([t("frames"), String(one.frames)]);
  if (one.facts) rows.push([t("rtf"), one.facts.rtf.toFixed(2), t("rtf_hint")]);
  if (one.heardMs) rows.push([t("ttfa"), `${Math.round(one.heardMs)} ms`]);
  rows.push([t("seed"), String(seedOf(one))]);
  byId("cat-facts").replaceChildren(
    ...rows.map(([what, value, hint]) =>
      el("div", { title: hint ?? "" }, el("dt", {}, what), el("dd", {}, value)),
    ),
  );
}

/** Give the samples to the player and its downloads; `actions` are {again, another}. */
export function offer(one, health, actions) {
  const audio = byId("cat-audio");
  if (url) URL.revokeObjectURL(url);
  url = URL.createObjectURL(wavFile(one.samples, health.sample_rate, health.channels));
  audio.hidden = one.samples.length === 0;
  if (!audio.hidden) audio.src = url;
  const links = one.result
    ? DOWNLOADS.map((ending) => [ending, new URL(`app/results/${one.result}.${ending}`, base)])
    : [["wav", url]];
  const chip = (id, text, onclick) => el("button", { type: "button", className: "cat-chip", id, onclick }, text);
  const again = chip("cat-again", t("again"), actions.again);
  again.classList.add("cat-expert");
  byId("cat-downloads").replaceChildren(
    ...(one.samples.length ? links : []).map(([ending, href]) =>
      el(
        "a",
        { href, download: `speech.${ending}`, className: "cat-chip", "aria-label": `${t("download")} ${ending}` },
        `↓ ${ending}`,
      ),
    ),
    chip("cat-another", t("another"), actions.another),
    again,
  );
}

/** The sentences of a long text; `sayAgain(index)` speaks one anew. */
export function pieces(one, sayAgain) {
  const place = byId("cat-pieces");
  if (one.pieces.length < 2) return place.replaceChildren();
  const rows = one.pieces.map((piece, index) => {
    const row = el(
      "li",
      { className: `cat-piece cat-${piece.state}` },
      el("span", {}, piece.text),
      el("small", {}, t(`piece_${piece.state}`)),
    );
    if (OVER.includes(one.state) && !["waiting", "speaking"].includes(piece.state))
      row.append(el("button", { type: "button", onclick: () => sayAgain(index) }, t("say_again")));
    return row;
  });
  place.replaceChildren(el("h2", {}, t("pieces")), el("ol", {}, ...rows));
}

/** Draw the sound and open the mouth; the second that is heard, null where nothing is. */
export function wave(one, live, health) {
  const audio = byId("cat-audio");
  const playing = live && live.context.state !== "closed";
  const total = lengthOf(one.samples) || 1;
  const expected = one.state === "speaking" ? total + expectedS(one, health) * health.rate : 0;
  const at = playing ? live.position : audio.currentTime;
  drawWave(byId("cat-wave"), one.samples, expected, (at * health.rate) / Math.max(total, expected));
  byId("cat-face").style.setProperty("--cat-open", playing ? live.loudness : loudnessAt(one, at, health, audio));
  return playing || !audio.paused ? at : null;
}

/** How loud the finished sound is where it is being played. */
function loudnessAt(one, at, health, audio) {
  if (audio.paused) return 0;
  let first = Math.round(at * health.rate);
  for (const part of one.samples) {
    if (first < part.length) {
      const near = part.subarray(first, first + health.rate / 30);
      return Math.min(1, near.reduce((top, x) => Math.max(top, Math.abs(x)), 0) / 9000);
    }
    first -= part.length;
  }
  return 0;
}
