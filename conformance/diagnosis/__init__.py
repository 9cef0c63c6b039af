"""What is wrong with an LSTM: where it differs first, and which known mistake that is."""
