"""The other side of `bench/learners`: scikit-learn on the same bytes, with two threads.

    python peer.py '{"data": {...}, "estimator": "sklearn.svm.SVC", "kwargs": {}}'

prints {"fit": s, "predict": s, "peak": MB, "data": MB, "accuracy"} as JSON. `data` names raw files: train and test inputs (dtype, rows, features) and
targets (int32). `peak` is what fitting took at most beyond what the process had with the data loaded.
"""

import importlib
import json
import os
import re
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402

warnings.filterwarnings("ignore")


def read(part):
    inputs = np.fromfile(part["inputs"], dtype=part["dtype"]).reshape(part["rows"], part["features"])
    return inputs, np.fromfile(part["targets"], dtype=np.int32)


def memory(field):
    return int(re.search(rf"{field}:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024


request = json.loads(sys.argv[1])
(x, y), (held, truth) = read(request["data"]["train"]), read(request["data"]["test"])
scale = request["data"].get("scale")
if scale:
    x, held = x / np.float32(scale), held / np.float32(scale)
module, name = request["estimator"].rsplit(".", 1)
model = getattr(importlib.import_module(module), name)(**request["kwargs"])
open("/proc/self/clear_refs", "w").write("5")
before = memory("VmRSS")
start = time.perf_counter()
model.fit(x, y)
fit = time.perf_counter() - start
peak = memory("VmHWM") - before
times = []
for _ in range(3):
    since = time.perf_counter()
    predicted = model.predict(held)
    times.append(time.perf_counter() - since)
print(json.dumps({"fit": fit, "predict": min(times), "peak": peak, "data": x.nbytes / 2**20, "accuracy": float((predicted == truth).mean())}))
