"""JAX's adapter, with Flax's layers."""
