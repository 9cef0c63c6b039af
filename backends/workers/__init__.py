"""An interpreter of its own for each adapter, and what passes between the two sides."""
