#!/bin/sh
# What a GPU gives: the published language model's sizes with random weights, in bfloat16.
# 12.5 frames are a second of sound, so 50 frames a second are four times real time.
set -e
python=${PYTHON:-.venv/bin/python}
$python -m pytest -m gpu tests/test_tts_graphs.py
$python -m eval bench --random --config docs/published_lm.config.json \
    --device cuda --dtype bfloat16 --codebooks 8 16 32 --batch 1 16 --frames 50
