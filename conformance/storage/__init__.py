"""What files of arrays and words are made of, and read by as what a stranger has sent."""
