"""The benchmark: how fast the adapters are compared with the frameworks that they adapt."""
