"""The language of layouts: how a framework names, orders and fuses an LSTM's arrays."""
