"""Training alike: problems, the truth of their training, its budget, and The Time Machine."""
