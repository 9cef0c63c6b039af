"""One LSTM adapter per framework, and the workers in which they run."""
