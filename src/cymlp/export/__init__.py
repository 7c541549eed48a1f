"""Export of a fitted classifier: as C, as a model file, or as ONNX.

Files hold weights, biases, the names of activations and loss, and labels. Activations
and losses of your own are Python code, which is not exported.
"""

from cymlp.export.c import to_c
from cymlp.export.model_file import load, save
from cymlp.export.onnx import register_with_skl2onnx, to_onnx

__all__ = ["load", "register_with_skl2onnx", "save", "to_c", "to_onnx"]

for _function in (load, register_with_skl2onnx, save, to_c, to_onnx):
    _function.__module__ = __name__  # where it is public
