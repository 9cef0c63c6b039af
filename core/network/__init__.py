"""What an LSTM is: its sizes, its parameters, what goes in and what comes out."""
