// The text as it was spoken: the word that is heard lights up, a click on a word plays from it.

import { el } from "./dom.js";

const lengthOf = (parts) => parts.reduce((sum, part) => sum + part.length, 0);

/** Seconds before the sound of a piece, without the silence in front of it. */
export function beginOf(pieces, index, rate) {
  const before = pieces.slice(0, index).reduce((n, p) => n + lengthOf(p.gap) + lengthOf(p.parts), 0);
  return (before + lengthOf(pieces[index].gap)) / rate;
}

/** Words of a "times" event, kept with their piece: it may be said again, and others move then. */
export function keepTimes(pieces, event, rate, base = { seconds: null, place: 0 }) {
  const piece = pieces[event.piece];
  const begin = base.seconds ?? beginOf(pieces, event.piece, rate);
  piece.words ??= [];
  for (const word of event.words ?? [])
    piece.words.push({
      text: word.word,
      start: word.start - begin,
      end: word.end - begin,
      from: word.from + base.place,
      to: word.to + base.place,
    });
  for (const sentence of event.sentences ?? []) piece.at ??= sentence.from;
}

/** All words in order, with their seconds in the whole sound. */
export function timedWords(pieces, rate) {
  return pieces.flatMap((piece, index) => {
    const begin = beginOf(pieces, index, rate);
    return (piece.words ?? []).map((word) => ({
      ...word,
      start: word.start + begin,
      end: word.end + begin,
    }));
  });
}

/** The word that is heard at a moment: the last that has begun, if it has not long ended. */
export function wordAt(words, seconds) {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  const index = low - 1;
  return index >= 0 && seconds < words[index].end + 0.1 ? index : -1;
}

/** Shows a text in `place`. */
export class WordLight {
  /** `play(seconds)` is called for a click on a word. */
  constructor(place, play) {
    this.place = place;
    this.words = [];
    this.lit = -1;
    place.addEventListener("click", (event) => {
      const word = this.words[event.target.dataset?.word];
      if (word) play(word.start);
    });
  }

  /** The text that was asked for, and its words as far as they are known. */
  show(text, words) {
    const same = text === this.text && words.length === this.words.length;
    this.words = words;
    this.place.hidden = words.length === 0;
    if (same) return;
    this.text = text;
    this.lit = -1;
    // Places count characters as Python does, whole ones beyond the first 65536 too.
    const chars = [...text];
    const parts = [];
    let at = 0;
    words.forEach((word, index) => {
      if (word.from < at) return;
      parts.push(chars.slice(at, word.from).join(""));
      parts.push(el("span", { className: "cat-heard" }, chars.slice(word.from, word.to).join("")));
      parts[parts.length - 1].dataset.word = index;
      at = word.to;
    });
    this.place.replaceChildren(...parts, chars.slice(at).join(""));
  }

  /** Light the word that is heard at this second. */
  light(seconds) {
    const index = wordAt(this.words, seconds);
    if (index === this.lit) return;
    this.place.querySelector(".cat-lit")?.classList.remove("cat-lit");
    this.place.querySelector(`[data-word="${index}"]`)?.classList.add("cat-lit");
    this.lit = index;
  }
}
