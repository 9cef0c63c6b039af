"""A verb's results as one self-contained HTML page: `--report FILE.html`.

A module for each kind of page turns results into plain data, and a template of the same name
renders it. No script draws anything: charts are SVG, pictures of arrays are tables.
"""
