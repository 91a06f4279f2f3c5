"""Checks .onnx files with ONNX's own checker and strict shape inference. Prints what is wrong, one line per file.

Called by test/engine/onnx.test.ts: python test/python/check_onnx.py FILE...
"""

import sys

import onnx

failed = False
for path in sys.argv[1:]:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        failed = True
        print(f"{path}: {' '.join(str(error).split())}")
sys.exit(failed)
