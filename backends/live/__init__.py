"""Live objects: layers of a framework as they are in this process, read, written and run."""
