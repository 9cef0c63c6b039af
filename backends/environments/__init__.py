"""Environments with one framework each: made, found and repaired."""
