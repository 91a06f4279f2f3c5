"""Writes src/evaluation/evaluation.reference.json: reports and metrics as scikit-learn computes them.

pip install scikit-learn==1.9.1 && python test/python/reference_evaluation.py
"""
from sklearn import metrics as m

from reference import write


def scores(precision, recall, f1, _):
    return {"precision": precision, "recall": recall, "f1": f1}


def classification(confusion):
    cells = [(truth, guess) for truth, row in enumerate(confusion) for guess, count in enumerate(row) for _ in range(count)]
    truth, guess = zip(*cells)
    options = {"labels": range(len(confusion)), "zero_division": 0}
    classes = zip(*(part.tolist() for part in m.precision_recall_fscore_support(truth, guess, **options)))
    macro = scores(*m.precision_recall_fscore_support(truth, guess, average="macro", **options))
    weighted = scores(*m.precision_recall_fscore_support(truth, guess, average="weighted", **options))
    accuracy = m.accuracy_score(truth, guess)
    return {
        "confusion": confusion,
        "report": {
            "accuracy": accuracy,
            "classes": [{**scores(p, r, f, s), "support": s} for p, r, f, s in classes],
            "macro": macro,
            "weighted": weighted,
        },
        "metrics": {"accuracy": accuracy, **macro, **{f"weighted-{name}": value for name, value in weighted.items()}},
    }


def regression(predictions, targets):
    report = {
        "mae": m.mean_absolute_error(targets, predictions),
        "mse": m.mean_squared_error(targets, predictions),
        "rmse": m.root_mean_squared_error(targets, predictions),
        "r2": m.r2_score(targets, predictions),
    }
    return {"predictions": predictions, "targets": targets, "report": report, "metrics": report}


write("src/evaluation/evaluation.reference.json", {
    "classification": [
        {"what": "three classes", **classification([[50, 3, 7], [4, 20, 1], [0, 9, 6]])},
        {"what": "two classes", **classification([[90, 2], [5, 3]])},
        {"what": "a class that is never predicted", **classification([[5, 0, 1], [2, 0, 2], [0, 0, 9]])},
        {"what": "a class without samples", **classification([[5, 1, 1], [0, 0, 0], [0, 2, 9]])},
        {"what": "a class that neither occurs nor is predicted", **classification([[5, 0, 1], [0, 0, 0], [0, 0, 9]])},
        {"what": "not one hit", **classification([[0, 4], [3, 0]])},
        {"what": "nothing but hits", **classification([[4, 0], [0, 3]])},
    ],
    "regression": [
        {"what": "some errors", **regression([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])},
        {"what": "worse than the mean", **regression([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])},
        {"what": "exact predictions", **regression([1.5, -2.0], [1.5, -2.0])},
        {"what": "one target for all", **regression([1.0, 2.0], [2.0, 2.0])},
        {"what": "one target for all, predicted exactly", **regression([2.0, 2.0], [2.0, 2.0])},
    ],
})
