"""Prediction with one model or an ensemble; fusion with the label model; ONNX export."""
