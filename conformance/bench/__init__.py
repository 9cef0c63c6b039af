"""How fast the adapters are, beside the frameworks that they adapt."""
