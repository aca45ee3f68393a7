"""The DAG files that are measured with."""

import scratch


class Folder:
    """A folder of DAG files."""

    def __enter__(self):
        self.path = scratch.folder("dags")
        return self

    def __exit__(self, *_):
        pass

    def write(self, name, tasks, head=""):
        """One file, whole at once. `tasks`: (id, what, upstream ids)."""
        lines = [head + "tasks:"]
        for task, what, upstream in tasks:
            waits = f", upstream: [{', '.join(upstream)}]" if upstream else ""
            lines.append(f"  {task}: {{{what}{waits}}}")
        draft = self.path / f"{name}.draft"
        draft.write_text("\n".join(lines) + "\n")
        draft.rename(self.path / f"{name}.yaml")

    def one_task(self, name, what, head=""):
        self.write(name, [("a", what, [])], head)


def side_by_side(count, what):
    return [(f"t{i:05}", what, []) for i in range(count)]


def chain(count, what):
    return [(f"t{i:05}", what, [f"t{i - 1:05}"] if i else []) for i in range(count)]


def layers(count, width, what):
    """Each task waits for the one above it, so that a layer follows the other."""
    return [(f"t{i:05}", what, [f"t{i - width:05}"] if i >= width else []) for i in range(count)]
