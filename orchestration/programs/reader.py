"""From the bytes of a YAML file to a tree of text.

What belongs here: YAML itself. What does not: fields and their meaning (schema.py).

Every value stays the text that was written, so 0.1 is never a binary float, 00123 never an octal
number, NO never false and 2017-13-01 never quietly text: the schema gives each field its type.
Duplicate keys, empty values, aliases and tags are refused, with the path of the field.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

Tree = str | list["Tree"] | dict[str, "Tree"]
"""What a document is made of."""

NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of a document. ``field`` is a path such as tiers.levels[1].from."""

    field: str
    reason: str


class _Loader(yaml.SafeLoader):
    """Composes nodes; aliases are refused, so that a document reads as it stands."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are not used in program documents", event.start_mark
            )
        return super().compose_node(parent, index)


def join(path: str, step: str | int) -> str:
    """The path of a field below ``path``: a name after a dot, a position in brackets (from 0)."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def read(content: bytes) -> tuple[dict[str, Tree] | None, list[Problem]]:
    """The tree of a document and what is wrong with its YAML; the tree is None if there is a problem."""
    try:
        text = content.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        return None, [Problem("(file)", f"not UTF-8: {error.reason} at byte {error.start}")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "(file)" if mark is None else f"line {mark.line + 1}"
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return None, [Problem(where, f"not valid YAML: {what}")]
    except yaml.YAMLError as error:
        return None, [Problem("(file)", f"not valid YAML: {str(error).splitlines()[0]}")]
    except RecursionError:
        return None, [Problem("(file)", "not valid YAML: nested too deeply")]
    if not isinstance(node, yaml.MappingNode):
        return None, [Problem("(file)", "expected the fields of a program, `id: …` and so on, found none")]
    problems: list[Problem] = []
    tree = _tree(node, "", problems)
    if problems or not isinstance(tree, dict):
        return None, problems
    return tree, []


def _tree(node: yaml.Node, path: str, problems: list[Problem]) -> Tree:
    if not node.tag.startswith("tag:yaml.org,2002:"):
        problems.append(Problem(path, f"tag {node.tag} is not used in program documents"))
        return ""
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and node.value in NULLS:
            problems.append(Problem(path, "is empty: give it a value or leave the field out"))
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        if not node.value:
            problems.append(Problem(path, "is an empty list: name something or leave the field out"))
        return [_tree(item, join(path, position), problems) for position, item in enumerate(node.value)]
    if not node.value:
        problems.append(Problem(path, "is empty: give it fields or leave it out"))
    tree: dict[str, Tree] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(path, f"line {key.start_mark.line + 1}: a field name must be plain text"))
            continue
        name, line = str(key.value), key.start_mark.line + 1
        here = join(path, name)
        if name in tree:
            problems.append(Problem(here, f"is given twice, in lines {lines[name]} and {line}"))
            continue
        lines[name] = line
        tree[name] = _tree(value, here, problems)
    return tree
