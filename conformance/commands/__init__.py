"""The verbs of `gateparity`, and what they share."""
