// One call to speak: asks, listens to the events, keeps the samples.

import { ask, t } from "./dom.js";
import { keepTimes } from "./words.js";

const decode = (text) => new Int16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

/** The events of POST /app/speak, one by one. */
export async function* events(body, signal) {
  const answer = await ask("app/speak", body, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = JSON.parse(part.slice("data: ".length));
      if (event.type === "error") throw new Error(event.message);
      if (event.audio !== undefined) event.samples = decode(event.audio);
      yield event;
    }
  }
}

/** A text that is being spoken, or has been. */
export class Run {
  /** label: who speaks, in words; name: what the face is drawn from; rate: samples a second, of all channels. */
  constructor(wishes, label, name, rate) {
    this.wishes = wishes;
    this.rate = rate;
    this.label = label;
    this.name = name;
    this.notes = [];
    this.pieces = [];
    this.frames = 0;
    this.expectedFrames = 1;
    this.state = "waiting";
    this.facts = null;
    this.result = null;
    this.abort = new AbortController();
  }

  /** Go through to the end; `changed(event)` is called after each event. */
  async go(changed) {
    try {
      for await (const event of events(this.wishes, this.abort.signal)) {
        this.take(event);
        changed(event);
      }
      if (this.state !== "done") throw new Error(t("broken_off"));
    } catch (error) {
      this.state = error.name === "AbortError" ? "stopped" : "failed";
      for (const piece of this.pieces) if (piece.state === "speaking") piece.state = "failed";
      if (this.state === "failed") throw error;
    }
  }

  take(event) {
    if (event.type === "started") {
      this.state = "speaking";
      this.expectedFrames = event.frames;
      this.notes = event.notes;
      this.pieces = event.pieces.map((text) => ({ text, state: "waiting", gap: [], parts: [] }));
    } else if (event.type === "sound") {
      const piece = this.pieces[event.piece];
      piece.state = "speaking";
      (event.gap ? piece.gap : piece.parts).push(event.samples);
      this.frames = event.frames;
    } else if (event.type === "times") {
      keepTimes(this.pieces, event, this.rate);
    } else if (event.type === "piece") {
      this.pieces[event.piece].state = event.finished_by;
    } else if (event.type === "done") {
      this.state = "done";
      this.facts = event;
      this.result = event.result;
    }
  }

  /** Speak one piece once more with another seed, in its old place. */
  async again(index, changed) {
    const piece = this.pieces[index];
    piece.tries = (piece.tries ?? 0) + 1;
    const parts = [];
    const fresh = { gap: [], parts: [] };
    piece.state = "speaking";
    changed();
    const body = { ...this.wishes, text: piece.text, seed: (this.wishes.seed ?? 0) + 7919 * piece.tries };
    if (this.result) body.replaces = { result: this.result, piece: index };
    try {
      for await (const event of events(body, this.abort.signal)) {
        if (event.type === "sound") parts.push(event.samples);
        if (event.type === "times")
          keepTimes([fresh], event, this.rate, { seconds: 0, place: piece.at ?? 0 });
        if (event.type === "piece") piece.state = event.finished_by;
      }
      piece.parts = parts;
      piece.words = fresh.words;
    } catch (error) {
      piece.state = "failed";
      throw error;
    } finally {
      changed();
    }
  }

  /** All samples so far, in order. */
  get samples() {
    return this.pieces.flatMap((piece) => [...piece.gap, ...piece.parts]);
  }
}
