"""A run for people, for programs and for a CI's pages, and back."""
