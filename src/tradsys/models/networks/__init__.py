"""Neural networks: their shapes, ONNX graphs and step-by-step inference."""
