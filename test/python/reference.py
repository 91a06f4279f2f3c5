"""What the reference_*.py scripts share: where the repository is, and how numbers are written down."""
import json
from pathlib import Path

root = Path(__file__).parents[2]


def numbers(values):
    """Nested lists of a tensor or array, to 9 significant digits."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    return [numbers(v) for v in values] if isinstance(values, list) else float(f"{values:.9g}")


def text(value, indent=""):
    """JSON with a line for each field, but one line for each case (an element of a list of objects), so that a diff shows which changed."""
    inner = indent + "  "
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{inner}{json.dumps(name)}: {text(v, inner)}" for name, v in value.items()) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + json.dumps(case) for case in value) + f"\n{indent}]"
    return json.dumps(value)


def write(path, table):
    (root / path).write_text(text(table) + "\n")
    print("wrote", path)
