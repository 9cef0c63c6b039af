"""Failures that travel: shrunk, saved in one file, repeated elsewhere."""
