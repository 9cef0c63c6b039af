"""Diagnosis: where an LSTM differs first, and which known mistake explains it."""
