"""Data sets: our own benchmark of drawn scenes, and rows in Curr-ReFT's JSONL layout."""
