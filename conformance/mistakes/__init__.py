"""Deliberate mistakes: the catalogue that the suite is measured by and diagnoses from."""
