"""What the reference_*.py scripts share: where the repository is, and how numbers are written down."""
import json
from pathlib import Path

root = Path(__file__).parents[2]


def numbers(values):
    """Nested lists of a tensor or array, to 9 significant digits."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    return [numbers(v) for v in values] if isinstance(values, list) else float(f"{values:.9g}")


def write(path, table):
    """A JSON object with one line per value, or per element of a list of objects, so that a diff shows which case changed."""
    def value(v):
        if isinstance(v, list) and v and isinstance(v[0], dict):
            return "[\n" + ",\n".join("    " + json.dumps(case) for case in v) + "\n  ]"
        return json.dumps(v)

    lines = ",\n".join(f"  {json.dumps(name)}: {value(v)}" for name, v in table.items())
    (root / path).write_text("{\n" + lines + "\n}\n")
    print("wrote", path)
