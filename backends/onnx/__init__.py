"""ONNX, a format of models: it has an environment with ONNX Runtime, and no adapter."""
