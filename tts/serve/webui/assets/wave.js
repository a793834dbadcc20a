// The waveform: bars as tall as the loudest of them allows.

const STEP = 6;
const WIDTH = 4;
// What is softer than this is not blown up to the whole band.
const SOFTEST = 0.05;

/** Draw int16 pieces of `expected` samples in all; `played` from 0 to 1 in another colour. */
export function drawWave(canvas, pieces, expected, played) {
  const style = getComputedStyle(canvas);
  const paint = canvas.getContext("2d");
  const { width, height } = canvas;
  paint.clearRect(0, 0, width, height);
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const length = Math.max(total, expected, 1);
  const bars = Math.floor(width / STEP);
  const peaks = peaksOf(pieces, bars, length);
  const gain = 1 / Math.max(SOFTEST, ...peaks);
  for (let bar = 0; bar < bars; bar++) {
    const made = bar / bars < total / length;
    const tall = Math.max(WIDTH, made ? peaks[bar] * gain * height : 0);
    paint.fillStyle = style.getPropertyValue(bar / bars < played ? "--cat-played" : "--cat-bars");
    paint.globalAlpha = made ? 1 : 0.3;
    paint.beginPath();
    paint.roundRect(bar * STEP, (height - tall) / 2, WIDTH, tall, WIDTH / 2);
    paint.fill();
  }
  paint.globalAlpha = 1;
}

function peaksOf(pieces, bars, length) {
  const peaks = new Float32Array(bars);
  let at = 0;
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i += 8) {
      const bar = Math.floor(((at + i) / length) * bars);
      const level = Math.abs(piece[i]) / 32768;
      if (level > peaks[bar]) peaks[bar] = level;
    }
    at += piece.length;
  }
  return peaks;
}
