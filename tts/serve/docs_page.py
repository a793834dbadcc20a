"""The API's documentation as one page that needs no other host (Swagger's comes from a CDN)."""

from __future__ import annotations

import html
import json
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 0 auto; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9rem; }
pre { overflow-x: auto; border: 1px solid #8886; border-radius: 6px; padding: 0.6rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
td, th { border-bottom: 1px solid #8885; padding: 0.25rem 0.6rem 0.25rem 0; text-align: left;
  vertical-align: top; }
h2 { margin-top: 2rem; font-size: 1.1rem; } h2 b { color: #0d9488; }
"""
_EXAMPLE = """curl {address}v1/audio/speech \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "cat-tts", "voice": "{voice}", "input": "Good morning."}}' -o morning.mp3"""


def docs_html(spec: dict[str, Any], address: str, voice: str) -> str:
    """An OpenAPI document -> HTML: every route with its fields and answers.

    Args:
        spec: the document.
        address: of the server as its reader reached it, with a slash at the end.
        voice: for the example.
    """
    routes = [
        _route(spec, method, path, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]
    info, example = spec["info"], _EXAMPLE.format(address=address, voice=voice)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_safe(info["title"])} API</title><style>{_STYLE}</style></head><body>
<h1>{_safe(info["title"])} API</h1><p>{_safe(info.get("description", ""))}</p>
<p>For programs: <a href="openapi.json">openapi.json</a></p><pre>{_safe(example)}</pre>
{"".join(routes)}</body></html>"""


def _route(spec: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td><code>{_safe(status)}</code></td><td>{_safe(answer['description'])}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<h2><b>{_safe(method.upper())}</b> <code>{_safe(path)}</code></h2>"
        f"<p>{_safe(operation.get('description', operation.get('summary', '')))}</p>"
        f"{_fields(spec, operation)}<table><tr><th>Answer</th><th></th></tr>{answers}</table>"
    )


def _fields(spec: dict[str, Any], operation: dict[str, Any]) -> str:
    rows = [
        _row(parameter["name"], parameter.get("schema", {}), parameter.get("required", False))
        for parameter in operation.get("parameters", [])
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(spec, content["schema"])
        needed = schema.get("required", [])
        rows += [_row(n, s, n in needed) for n, s in schema.get("properties", {}).items()]
    if not rows:
        return ""
    head = "<tr><th>Field</th><th>Type</th><th>Default</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _row(name: str, schema: dict[str, Any], needed: bool) -> str:
    default = "needed" if needed else json.dumps(schema.get("default"))
    return (
        f"<tr><td><code>{_safe(name)}</code></td><td>{_safe(_kind(schema))}</td>"
        f"<td>{_safe(default)}</td><td>{_safe(schema.get('description', ''))}</td></tr>"
    )


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    bounds = f" {low:g} to {high:g}" if low is not None and high is not None else ""
    return f"{schema.get('type', 'any')}{bounds}"


def _resolved(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]


def _safe(text: object) -> str:
    return html.escape(str(text))
