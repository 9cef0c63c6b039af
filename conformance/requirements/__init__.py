"""The numbered requirements of docs/conformance.md, one plain function each."""
