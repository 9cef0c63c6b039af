"""Two networks compared: live objects by what they compute, and any two by their numbers."""
