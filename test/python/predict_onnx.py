"""Runs a model on rows of numbers as any user of ONNX Runtime would, and prints what it gives as JSON, with its metadata.

Called by test/export.test.ts: python test/python/predict_onnx.py MODEL INPUTS, where INPUTS is a file of raw values.
"""
import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(wanted,) = session.get_inputs()
dtype = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}[wanted.type]
inputs = np.fromfile(sys.argv[2], dtype).reshape(-1, *wanted.shape[1:])
names = [output.name for output in session.get_outputs()]
outputs = dict(zip(names, session.run(names, {wanted.name: inputs})))
json.dump({"metadata": session.get_modelmeta().custom_metadata_map, **{name: v.tolist() for name, v in outputs.items()}}, sys.stdout)
