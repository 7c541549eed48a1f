"""Export of fitted networks: as C, as model files, or as ONNX.

Exported files contain weights, biases, the names of activations and loss, and class
labels. User-defined activations and losses are Python code and cannot be exported.
"""

from cymlp.export.c import to_c
from cymlp.export.model_file import load, save
from cymlp.export.onnx import register_with_skl2onnx, to_onnx

__all__ = ["load", "register_with_skl2onnx", "save", "to_c", "to_onnx"]

for _function in (load, register_with_skl2onnx, save, to_c, to_onnx):
    _function.__module__ = __name__  # the public location
