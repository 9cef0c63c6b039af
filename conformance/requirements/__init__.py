"""The numbered requirements of docs/conformance.md, a plain function each."""
