"""YAML as the rooms read their data files: plain data only, and no key twice.

What belongs here: the loader that mapping and rule files share. Program documents have a stricter one
of their own, which also keeps values as text (programs/reader.py).
"""

from __future__ import annotations

from typing import Any

import yaml


class UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that comes twice is an error instead of silently winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node; raises ConstructorError for a key that is given twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
