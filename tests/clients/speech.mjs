// What OpenAI's guides do with its JavaScript client; the address comes from its own environment.

import fs from "node:fs";
import path from "node:path";
import OpenAI from "openai";

const folder = process.argv[2];
const client = new OpenAI();

for (const name of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
  const answer = await client.audio.speech.create({
    model: "gpt-4o-mini-tts",
    voice: "coral",
    input: "Today is a wonderful day to build something people love!",
    instructions: "Speak in a cheerful and positive tone.",
    response_format: name,
  });
  fs.writeFileSync(path.join(folder, `file.${name}`), Buffer.from(await answer.arrayBuffer()));
}

const streamed = await client.audio.speech.create({
  model: "tts-1",
  voice: "alloy",
  input: "Bits of sound.",
  response_format: "pcm",
});
const blocks = [];
for await (const block of streamed.body) blocks.push(block);
fs.writeFileSync(path.join(folder, "stream.pcm"), Buffer.concat(blocks));

const events = await client.audio.speech.create({
  model: "tts-1",
  voice: "alloy",
  input: "Bits of sound.",
  stream_format: "sse",
});
const lines = (await events.text()).split("\n").filter((line) => line.startsWith("data:"));
const models = [];
for await (const model of client.models.list()) models.push(model.id);
console.log(
  JSON.stringify({
    models,
    model: (await client.models.retrieve("tts-1")).id,
    voices: (await client.get("/audio/voices")).voices,
    events: lines.map((line) => JSON.parse(line.slice(6)).type),
  }),
);
