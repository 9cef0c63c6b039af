"""ONNX Runtime, which runs ONNX models; it has an environment, and no adapter."""
