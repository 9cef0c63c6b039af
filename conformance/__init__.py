"""The conformance suite: identical weights into every backend, outputs compared."""
