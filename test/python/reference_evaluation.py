"""Writes src/evaluation/evaluation.reference.json: every metric as scikit-learn computes it, on random and on edge cases; null where it is not defined.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_evaluation.py
"""

import math
import warnings

import numpy as np
import sklearn
from reference import write
from scipy import stats
from sklearn import metrics as m

warnings.filterwarnings("ignore")
rng = np.random.default_rng(6)


def defined(compute):
    """null for NaN and for what scikit-learn refuses."""
    try:
        value = float(compute())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def one_against_rest(area, truth, outputs, average):
    """scikit-learn's area of each class that it is defined for: of two classes that of the second."""
    classes = outputs.shape[1]
    if classes == 2:
        return defined(lambda: area(truth == 1, outputs[:, 1])) if 0 < (truth == 1).sum() else None
    each = []
    for c in range(classes):
        if (truth == c).sum() == 0:
            continue
        value = defined(lambda: area(truth == c, outputs[:, c]))
        if value is not None:
            each.append((value, 1 if average == "macro" else (truth == c).sum()))
    return sum(v * w for v, w in each) / sum(w for _, w in each) if each else None


def calibration_error(truth, outputs, predicted, bins=15):
    confidence = outputs[np.arange(len(truth)), predicted].astype(np.float64)
    place = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1)
    return sum(abs(confidence[place == b].mean() - (predicted == truth)[place == b].mean()) * (place == b).sum() for b in np.unique(place)) / len(truth)


def scores(average, truth, predicted, labels):
    p, r, f, _ = m.precision_recall_fscore_support(truth, predicted, labels=labels, average=average, zero_division=0)
    return {"precision": p, "recall": r, "f1": f}


def classification(what, truth, outputs, gives="probabilities"):
    truth = np.asarray(truth)
    outputs = np.asarray(outputs, dtype=np.float32).astype(np.float64)
    classes = outputs.shape[1]
    labels = list(range(classes))
    predicted = outputs.argmax(axis=1)
    sure = gives == "probabilities"
    top = lambda k: defined(lambda: m.top_k_accuracy_score(truth, outputs, k=k, labels=labels)) if classes > k else None
    expected = {
        "accuracy": defined(lambda: m.accuracy_score(truth, predicted)),
        "balanced-accuracy": defined(lambda: m.balanced_accuracy_score(truth, predicted)),
        **{name: v for name, v in scores("macro", truth, predicted, labels).items()},
        **{f"micro-{name}": v for name, v in scores("micro", truth, predicted, labels).items()},
        **{f"weighted-{name}": v for name, v in scores("weighted", truth, predicted, labels).items()},
        "log-loss": defined(lambda: m.log_loss(truth, outputs, labels=labels)) if sure else None,
        "brier": defined(lambda: m.brier_score_loss(truth, outputs, labels=labels)) if sure else None,
        "roc-auc": one_against_rest(m.roc_auc_score, truth, outputs, "macro"),
        "weighted-roc-auc": one_against_rest(m.roc_auc_score, truth, outputs, "weighted"),
        "pr-auc": one_against_rest(m.average_precision_score, truth, outputs, "macro"),
        "weighted-pr-auc": one_against_rest(m.average_precision_score, truth, outputs, "weighted"),
        "matthews": defined(lambda: m.matthews_corrcoef(truth, predicted)),
        "cohen-kappa": defined(lambda: m.cohen_kappa_score(truth, predicted)),
        "top-3-accuracy": top(3),
        "top-5-accuracy": top(5),
        "calibration-error": calibration_error(truth, outputs, predicted) if sure else None,
    }
    return {
        "what": what,
        "gives": gives,
        "targets": truth.tolist(),
        "outputs": outputs.tolist(),
        "confusion": m.confusion_matrix(truth, predicted, labels=labels).tolist(),
        "expected": {name: None if v is None else float(v) for name, v in expected.items()},
    }


def probabilities(rows, classes, sharpness=1.0):
    logits = rng.normal(0, sharpness, (rows, classes)).astype(np.float32)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def regression(what, targets, predictions):
    targets, predictions = (np.asarray(v, dtype=np.float32).astype(np.float64) for v in (targets, predictions))
    return {
        "what": what,
        "targets": targets.tolist(),
        "predictions": predictions.tolist(),
        "expected": {
            "mae": defined(lambda: m.mean_absolute_error(targets, predictions)),
            "mse": defined(lambda: m.mean_squared_error(targets, predictions)),
            "rmse": defined(lambda: m.root_mean_squared_error(targets, predictions)),
            "r2": defined(lambda: m.r2_score(targets, predictions)),
            "explained-variance": defined(lambda: m.explained_variance_score(targets, predictions)),
            "median-absolute-error": defined(lambda: m.median_absolute_error(targets, predictions)),
            "max-error": defined(lambda: m.max_error(targets, predictions)),
            "mape": defined(lambda: m.mean_absolute_percentage_error(targets, predictions)),
        },
    }


def mcnemar(b, c):
    if b + c == 0:
        return 1.0
    if b + c < 25:
        return float(min(1, 2 * stats.binom.cdf(min(b, c), b + c, 0.5)))
    return float(stats.chi2.sf(max(0, abs(b - c) - 1) ** 2 / (b + c), 1))


ties = np.round(probabilities(40, 3) * 4) / 4
write("src/evaluation/evaluation.reference.json", {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "classification": [
        classification("two classes", rng.integers(0, 2, 60), probabilities(60, 2)),
        classification("three classes", rng.integers(0, 3, 80), probabilities(80, 3)),
        classification("seven classes", rng.integers(0, 7, 90), probabilities(90, 7)),
        classification("rare classes", rng.choice(4, 70, p=[0.9, 0.05, 0.03, 0.02]), probabilities(70, 4)),
        classification("scores that are no probabilities", rng.integers(0, 3, 50), rng.normal(0, 3, (50, 3)), "scores"),
        classification("equal scores", rng.integers(0, 3, 40), ties, "scores"),
        classification("one score for all", rng.integers(0, 3, 12), np.full((12, 3), 1 / 3)),
        classification("a class without samples", rng.choice([0, 2], 30), probabilities(30, 3)),
        classification("a class that is never predicted", rng.integers(0, 3, 30), probabilities(30, 3) * [1, 1, 0.01], "scores"),
        classification("a class that neither occurs nor is predicted", rng.choice([0, 1], 30), probabilities(30, 3) * [1, 1, 0.01], "scores"),
        classification("samples of one class alone", np.ones(9, dtype=int), probabilities(9, 3)),
        classification("samples of one of two classes alone", np.zeros(9, dtype=int), probabilities(9, 2)),
        classification("one class alone, predicted as it", np.ones(5, dtype=int), np.tile([0.1, 0.8, 0.1], (5, 1)).astype(np.float32)),
        classification("nothing but hits", np.arange(12) % 3, np.eye(3)[np.arange(12) % 3]),
        classification("not one hit", np.arange(12) % 3, np.eye(3)[(np.arange(12) + 1) % 3]),
        classification("one sample", np.array([1]), probabilities(1, 3)),
    ],
    "regression": [
        regression("some errors", rng.normal(3, 10, 101), rng.normal(3, 10, 101)),
        regression("an even number of samples", rng.normal(0, 1, 50), rng.normal(0, 1, 50)),
        regression("large values", 1e6 + rng.normal(0, 1, 64), 1e6 + rng.normal(0, 1, 64)),
        regression("worse than the mean", [1, 2, 3], [3, 2, 1]),
        regression("exact predictions", [1.5, -2], [1.5, -2]),
        regression("a constant error", [1, 2, 3, 4], [2, 3, 4, 5]),
        regression("one target for all", [2, 2, 2], [1, 2, 4]),
        regression("one target for all, predicted exactly", [2, 2], [2, 2]),
        regression("targets of zero", [0, 1, 0], [1, 1, 0]),
        regression("one sample", [2], [3]),
    ],
    "mcnemar": [{"onlyFirst": b, "onlySecond": c, "p": mcnemar(b, c)} for b, c in [(0, 0), (1, 0), (3, 9), (10, 10), (5, 19), (12, 13), (40, 20), (100, 160), (30, 31), (900, 1)]],
})
