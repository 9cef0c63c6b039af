"""Networks of files and of live objects, compared layer by layer."""
