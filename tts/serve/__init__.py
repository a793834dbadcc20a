"""Serving speech to many clients: queue, limits, uploads, HTTP. Knows no Gradio."""
