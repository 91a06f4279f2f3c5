"""Runs a model on raw values as any user of ONNX Runtime would, and prints what it gives as JSON, with its metadata.

Called by test/export.test.ts: python test/python/predict_onnx.py MODEL INPUTS, where INPUTS is a file of the raw values of the
model's one input, or for several inputs NAME.json: rows by the name of the input, where null is a missing number or date.
"""
import json
import sys

import numpy as np
import onnxruntime

DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(string)": object}


def array(wanted, rows):
    """Rows of JSON as an input is to have them."""
    missing = np.nan if wanted.type == "tensor(float)" else np.iinfo(np.int64).min
    return np.array([[missing if cell is None else cell for cell in row] for row in rows], DTYPES[wanted.type])


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
wanted = session.get_inputs()
if sys.argv[2].endswith(".json"):
    given = json.load(open(sys.argv[2]))
    feeds = {one.name: array(one, given[one.name]) for one in wanted}
else:
    (one,) = wanted
    feeds = {one.name: np.fromfile(sys.argv[2], DTYPES[one.type]).reshape(-1, *one.shape[1:])}
names = [output.name for output in session.get_outputs()]
outputs = dict(zip(names, session.run(names, feeds)))
json.dump({"metadata": session.get_modelmeta().custom_metadata_map, **{name: v.tolist() for name, v in outputs.items()}}, sys.stdout)
