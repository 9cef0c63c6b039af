"""Two live layers compared: their weights, their outputs and gradients, and why they differ."""
