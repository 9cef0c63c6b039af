"""What a verb found as one HTML page that needs nothing else: `--report FILE.html`.

A module for each kind of page makes plain data of what was found; a template of the same name
writes it. Neither draws with a script: charts are SVG, pictures of arrays are tables.
"""
