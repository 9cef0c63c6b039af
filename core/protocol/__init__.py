"""What an adapter is, and the checks of what it takes and returns."""
