// A cat's face for every voice, drawn from its name alone: the same name always looks the same.

// Tried out so that the colours of the shipped voices (recipes/voices.toml) lie apart.
const START = 0x811c9dc5 ^ 172054;

/** FNV-1a with a final mix, so that names that differ by a letter look nothing alike. */
function hash(text) {
  let value = START;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0), 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The colour of a voice, as a hue in degrees. */
export const hueOf = (name) => hash(name) % 360;

// Saturation and lightness in percent.
const FURS = [[64, 64], [42, 52], [74, 76], [24, 62]];
const EARS = [
  "M12 27 13 7 27 17q5-1.4 10 0L51 7l1 20q4 8 1 16-7 13-21 13T11 43q-3-8 1-16Z",
  "M11 28 17 10 27 17q5-1.4 10 0L47 10l6 18q3 8 0 15-7 13-21 13T11 43q-3-7 0-15Z",
  "M13 27Q6 12 15 11q8 1 12 6 5-1.4 10 0 4-5 12-6 9 1 2 16 4 8 1 16-7 13-21 13T11 43q-3-8 2-16Z",
];
const INNER_EARS = ["M16 22 16.5 12 23 18M48 22 47.5 12 41 18", "M17 22 19 14 24 18M47 22 45 14 40 18", "M16 21q-2-6 1-6t6 3M48 21q2-6-1-6t-6 3"];
const MARKS = [
  () => "",
  (deep) => `<g stroke="${deep}" stroke-width="2.6" fill="none"><path d="M32 17v6M27 18l1 5M37 18l-1 5"/></g>`,
  (deep) => `<ellipse cx="23.5" cy="31" rx="8" ry="9" fill="${deep}" opacity=".55"/>`,
  (deep, pale) => `<ellipse cx="32" cy="46" rx="12" ry="8.5" fill="${pale}"/>`,
  (deep, pale) => `<path d="M32 16q-7 18-4 27h8q3-9-4-27Z" fill="${pale}"/><ellipse cx="32" cy="46" rx="11" ry="8" fill="${pale}"/>`,
  (deep) => `<g stroke="${deep}" stroke-width="2.4"><path d="M11 34h6M12 40l5-1M53 34h-6M52 40l-5-1"/></g>`,
];
const EYES = [
  (ink) => `<g fill="${ink}"><circle cx="24" cy="32" r="4"/><circle cx="40" cy="32" r="4"/></g><g fill="#fff"><circle cx="25.4" cy="30.6" r="1.3"/><circle cx="41.4" cy="30.6" r="1.3"/></g>`,
  (ink) => `<g fill="#fdf6d8"><ellipse cx="24" cy="32" rx="5" ry="4.2"/><ellipse cx="40" cy="32" rx="5" ry="4.2"/></g><g fill="${ink}"><ellipse cx="24" cy="32" rx="1.7" ry="3.9"/><ellipse cx="40" cy="32" rx="1.7" ry="3.9"/></g>`,
  (ink) => `<g fill="none" stroke="${ink}" stroke-width="2.4"><path d="M19.5 32q4.5 4 9 0M35.5 32q4.5 4 9 0"/></g>`,
  (ink) => `<g fill="#fff"><circle cx="24" cy="32" r="5"/><circle cx="40" cy="32" r="5"/></g><g fill="${ink}"><circle cx="25" cy="32" r="2.7"/><circle cx="39" cy="32" r="2.7"/></g>`,
];
const EXTRAS = [
  () => "",
  (second) => `<path d="M32 57l-8-4v9l8-3.5 8 3.500v-9Z" fill="${second}"/>`,
  (second) => `<path d="M9 36Q8 8 32 8t23 28" fill="none" stroke="${second}" stroke-width="3.2"/><rect x="5" y="30" width="8" height="13" rx="4" fill="${second}"/><rect x="51" y="30" width="8" height="13" rx="4" fill="${second}"/>`,
  (second, ink) => `<g fill="none" stroke="${ink}" stroke-width="1.8"><circle cx="24" cy="32" r="7"/><circle cx="40" cy="32" r="7"/><path d="M31 32h2"/></g>`,
  (second) => `<g fill="${second}"><circle cx="46" cy="14" r="3"/><circle cx="51" cy="17" r="3"/><circle cx="49" cy="22" r="3"/><circle cx="43" cy="19" r="3"/></g><circle cx="47" cy="18" r="2.4" fill="#fff6d6"/>`,
  (second) => `<path d="M16 53q16 8 32 0l1 5q-17 8-34 0Z" fill="${second}"/>`,
];

/** An SVG of 64 by 64; `--open` from 0 to 1 opens its mouth. */
export function face(name) {
  const pick = (list, salt) => list[hash(`${salt}:${name}`) % list.length];
  const hue = hueOf(name);
  const [strength, light] = pick(FURS, "fur");
  const fur = `hsl(${hue} ${strength}% ${light}%)`;
  const deep = `hsl(${hue} ${strength}% ${light - 24}%)`;
  const pale = `hsl(${hue} 80% 93%)`;
  const ink = `hsl(${hue} 40% 16%)`;
  const second = `hsl(${(hue + 150 + (hash(`second:${name}`) % 60)) % 360} 62% 48%)`;
  const ears = hash(`ears:${name}`) % EARS.length;
  return `<svg class="cat-portrait" viewBox="0 0 64 64" aria-hidden="true" stroke-linecap="round" stroke-linejoin="round">
<path d="${EARS[ears]}" fill="${fur}"/><path d="${INNER_EARS[ears]}" fill="${deep}" opacity=".5"/>
${pick(MARKS, "marks")(deep, pale)}${pick(EYES, "eyes")(ink)}
<path d="M29.5 39h5l-2.5 3Z" fill="${ink}"/>
<ellipse class="cat-mouth" cx="32" cy="48" rx="4.6" ry="4.6" fill="${ink}"/>
<path class="cat-smile" d="M26.5 44q2.8 3.2 5.5-.5 2.7 3.7 5.5.5" fill="none" stroke="${ink}" stroke-width="1.8"/>
<path class="cat-frown" d="M27 47q5-4.5 10 0" fill="none" stroke="${ink}" stroke-width="1.8"/>
<g stroke="${ink}" stroke-width="1" opacity=".55"><path d="M19 42 9 40M19 45 10 47M45 42l10-2M45 45l9 2"/></g>
${pick(EXTRAS, "extras")(second, ink)}</svg>`;
}
