"""gateparity: one LSTM in every framework at once, with proof that they agree."""
