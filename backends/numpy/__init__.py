"""NumPy's adapter: the LSTM's equations and backpropagation through time by hand."""
