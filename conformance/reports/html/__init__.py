"""A report as an HTML page, and the pictures that only a page has."""
