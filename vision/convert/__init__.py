"""Converters: published weights of other frameworks → ONNX, without those frameworks."""
