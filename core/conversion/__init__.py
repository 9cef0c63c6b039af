"""Code that converts one layout's arrays into another's, generated from both specs."""
