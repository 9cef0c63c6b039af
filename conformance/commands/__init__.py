"""The verbs of `gateparity`, and the code that they share."""
