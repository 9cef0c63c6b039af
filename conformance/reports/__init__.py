"""Reports of a run for people, for programs and for a CI's pages, and reading them back."""
