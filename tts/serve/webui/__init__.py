"""The Gradio page: its pieces, texts in English and Chinese, and how it is served."""
