"""Every backend through every check: the plan, the sessions, the results."""
