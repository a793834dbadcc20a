"""Mandarin to pinyin: words, polyphones, tone sandhi."""
