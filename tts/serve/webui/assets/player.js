// Sound while it is made: samples go to the sound card as they come, edge to edge.

const LEAD_S = 0.05;
const REFILL_S = 0.4;

export class LivePlayer {
  /** Make it within a click or key press; browsers allow sound only then. */
  constructor(sampleRate, channels) {
    this.sampleRate = sampleRate;
    this.channels = channels;
    // At the sound's own rate, because resampling each chunk alone would click at the edges.
    this.context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    this.context.resume();
    this.meter = new AnalyserNode(this.context, { fftSize: 2048 });
    this.meter.connect(this.context.destination);
    this.held = [];
    this.heldS = 0;
    this.next = 0;
    this.given = 0;
    this.madeS = 0;
    this.spans = [];
    this.begun = false;
    this.complete = false;
    this.sources = new Set();
  }

  /** int16 samples, those of a moment side by side, and how many seconds are still expected. */
  push(samples, expectedS) {
    const wav = new Float32Array(samples.length);
    for (let i = 0; i < samples.length; i++) wav[i] = samples[i] / 32767;
    this.held.push(wav);
    const seconds = wav.length / this.channels / this.sampleRate;
    this.heldS += seconds;
    this.madeS += seconds;
    this.firstAt ??= performance.now();
    const now = this.context.currentTime;
    const dry = this.begun && this.next < now + 0.005;
    if (!dry && (this.begun || this.heldS > 0)) this.flush();
    else if (this.heldS >= this.enough(expectedS)) this.flush();
  }

  /** After running dry: how much to wait for, so that it does not happen again at once. */
  enough(expectedS) {
    const elapsed = Math.max(0.1, (performance.now() - this.firstAt) / 1000);
    const pace = this.madeS / elapsed;
    if (pace >= 1.1) return REFILL_S;
    return Math.max(REFILL_S, Math.min(expectedS, 20) * (1 - pace / 1.1));
  }

  flush() {
    for (const wav of this.held) this.schedule(wav);
    this.held = [];
    this.heldS = 0;
  }

  schedule(wav) {
    if (this.context.state === "closed" || wav.length === 0) return;
    const now = this.context.currentTime;
    if (this.next < now + 0.005) {
      this.next = Math.ceil((now + LEAD_S) * this.sampleRate) / this.sampleRate;
      this.spans.push({ from: this.next, offset: this.given });
    }
    if (!this.begun) {
      this.begun = true;
      this.heardAt = performance.now() + 1000 * (this.next - now);
    }
    const length = wav.length / this.channels;
    const buffer = this.context.createBuffer(this.channels, length, this.sampleRate);
    for (let channel = 0; channel < this.channels; channel++) {
      const own = buffer.getChannelData(channel);
      for (let i = 0; i < length; i++) own[i] = wav[i * this.channels + channel];
    }
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.meter);
    source.start(this.next);
    this.sources.add(source);
    source.onended = () => {
      this.sources.delete(source);
      if (this.complete && this.sources.size === 0) this.onended?.();
    };
    this.given += length;
    // Counted in samples, so that rounding never opens a gap between chunks.
    const span = this.spans[this.spans.length - 1];
    this.next = span.from + (this.given - span.offset) / this.sampleRate;
  }

  /** No more will come. */
  finish() {
    this.complete = true;
    this.flush();
    if (this.sources.size === 0) this.onended?.();
  }

  /** Seconds of the sound that have been heard. */
  get position() {
    const now = this.context.currentTime;
    let heard = 0;
    this.spans.forEach((span, i) => {
      const end = this.spans[i + 1]?.offset ?? this.given;
      const length = (end - span.offset) / this.sampleRate;
      if (now > span.from) heard = span.offset / this.sampleRate + Math.min(now - span.from, length);
    });
    return heard;
  }

  /** How loud it is at this moment, from 0 to 1. */
  get loudness() {
    const samples = new Float32Array(512);
    this.meter.getFloatTimeDomainData(samples);
    return Math.min(1, 3.5 * samples.reduce((top, x) => Math.max(top, Math.abs(x)), 0));
  }

  stop() {
    this.onended = null;
    this.held = [];
    if (this.context.state !== "closed") this.context.close();
  }
}

/** int16 pieces -> a wav file. */
export function wavFile(pieces, sampleRate, channels) {
  const size = pieces.reduce((sum, piece) => sum + 2 * piece.length, 0);
  const view = new DataView(new ArrayBuffer(44));
  const put = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  put(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  put(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * channels * sampleRate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  put(36, "data");
  view.setUint32(40, size, true);
  return new Blob([view.buffer, ...pieces], { type: "audio/wav" });
}
