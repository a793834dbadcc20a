"""What OpenAI's guides do with its Python client; the address comes from its own environment."""

import asyncio
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI, OpenAI

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
folder = Path(sys.argv[1])
client = OpenAI()

for name in FORMATS:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        voice="coral",
        input="Today is a wonderful day to build something people love!",
        instructions="Speak in a cheerful and positive tone.",
        response_format=name,
    ) as response:
        response.stream_to_file(folder / f"file.{name}")


async def stream() -> bytes:
    async with AsyncOpenAI().audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="Bits of sound.", response_format="pcm"
    ) as response:
        return b"".join([block async for block in response.iter_bytes()])


(folder / "stream.pcm").write_bytes(asyncio.run(stream()))
with client.audio.speech.with_streaming_response.create(
    model="tts-1", voice="alloy", input="Bits of sound.", stream_format="sse"
) as response:
    events = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data:")]
told = {
    "models": [model.id for model in client.models.list()],
    "model": client.models.retrieve("tts-1").id,
    "voices": client.get("/audio/voices", cast_to=object)["voices"],  # type: ignore[index]
    "events": [event["type"] for event in events],
}
print(json.dumps(told))
