"""Weights out of a file, one module for each format."""
