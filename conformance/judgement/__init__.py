"""Whether two results are equal to within what rounding allows."""
