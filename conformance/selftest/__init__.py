"""The suite's own figures: what it catches, what it calls wrong that isn't, how fine it sees."""
