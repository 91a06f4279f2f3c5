"""Numbers that src/data/compare.test.ts compares with: drift between halves of data/iris.csv and the flowers shifted, by numpy and scipy.

Run: python test/python/reference_compare.py > test/data/compare.reference.json
"""
import csv, json
import numpy as np
from scipy.stats import ks_2samp

SHARES = [0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1]

def psi(p, q):
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(np.sum((q - p) * np.log(q / p)))

rng = np.random.default_rng(7)
a = rng.normal(10, 2, 4000)
cases = {}
for name, b in {"same": rng.normal(10, 2, 3000), "moved": rng.normal(11, 2, 3000), "wider": rng.normal(10, 3.5, 3000), "elsewhere": rng.normal(30, 2, 3000)}.items():
    edges = np.concatenate([[-np.inf], np.quantile(a, np.arange(1, 10) / 10), [np.inf]])
    shares = lambda x: np.histogram(x, edges)[0] / len(x)
    cases[name] = {
        "base": np.quantile(a, SHARES).tolist(), "other": np.quantile(b, SHARES).tolist(),
        "psi": psi(shares(a), shares(b)), "ks": float(ks_2samp(a, b).statistic),
    }
print(json.dumps(cases))
