"""Failures in one file each: shrunk, saved, and repeated elsewhere."""
