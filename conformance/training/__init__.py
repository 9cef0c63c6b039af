"""Equal training: problems, their reference runs and budgets, and The Time Machine."""
