"""Deliberate mistakes: the catalogue that measures the suite and serves diagnosis."""
