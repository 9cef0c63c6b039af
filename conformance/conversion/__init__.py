"""Code that converts one layout's arrays into another's, written from both specs."""
