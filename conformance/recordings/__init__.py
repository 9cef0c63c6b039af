"""Recordings: inputs, results and manifests in one file, judged anywhere, compared."""
