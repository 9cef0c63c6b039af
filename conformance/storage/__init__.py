"""Files of arrays and texts, read as untrusted input."""
