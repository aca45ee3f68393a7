"""What dags/python.yaml calls: plain functions, no imports of Updraft."""

import platform


def total(numbers, label):
    """Arguments are the `args` of the task; the result must be something JSON can say."""
    print(f"adding {len(numbers)} numbers for {label}")
    return {"sum": sum(numbers), "count": len(numbers)}


def versions():
    return {"python": platform.python_version(), "system": platform.system()}
