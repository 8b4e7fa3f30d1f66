# SPDX-License-Identifier: MIT
"""Finds circles of includes between units and between rooms.

A unit is a header NAME.h with what implements it, in one folder: NAME.c, NAME_win.[ch],
NAME_unix.c, NAME_private.h and every other NAME_*.c, where the longest NAME that is a header
wins. So a NAME_*.c with a header of its own is a unit of its own. A .c whose name begins with no
header of its folder belongs to the first header of that folder which it includes, because a file
includes what it implements first; a .c without even that is a unit by itself.
"""
import collections
import re

QUOTED = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
PART_OF_HEADER = re.compile(r"_(?:win|unix|private)$")


def quoted_includes(text):
    """The line numbers and targets of the includes of our own headers."""
    for number, line in enumerate(text.splitlines(), 1):
        match = QUOTED.match(line)
        if match:
            yield number, match.group(1)


def split(path):
    folder, _, name = path.rpartition("/")
    return folder, name.rpartition(".")[0]


def longest_header(folder, stem, headers):
    parts = stem.split("_")
    for n in range(len(parts), 0, -1):
        name = "_".join(parts[:n])
        if f"{folder}/{name}.h" in headers:
            return f"{folder}/{name}"
    return None


def find_unit(path, text, headers):
    folder, stem = split(path)
    if path.endswith(".h"):
        whole = f"{folder}/{PART_OF_HEADER.sub('', stem)}"
        return whole if whole + ".h" in headers else f"{folder}/{stem}"
    unit = longest_header(folder, stem, headers)
    if unit:
        return find_unit(unit + ".h", "", headers)
    for _, target in quoted_includes(text):
        if target in headers and split(target)[0] == folder:
            return find_unit(target, "", headers)
    return f"{folder}/{stem}"


def build_graph(texts, node_of):
    """Which node includes which, as {node: {node: "file:line"}} with the first place it does so."""
    graph = collections.defaultdict(dict)
    for path, text in sorted(texts.items()):
        for number, target in quoted_includes(text):
            if target in texts and node_of[path] != node_of[target]:
                graph[node_of[path]].setdefault(node_of[target], f"{path}:{number}")
    return graph


def shortest_circle(graph, start):
    """The shortest way from START back to itself, without START at its end; or None."""
    before, queue = {}, collections.deque([start])
    while queue:
        node = queue.popleft()
        for target in graph.get(node, {}):
            if target == start:
                way = [node]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if target not in before:
                before[target] = node
                queue.append(target)
    return None


def reach(graph, start):
    seen, stack = set(), [start]
    while stack:
        for target in graph.get(stack.pop(), {}):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


def find_components(graph):
    """The sets of nodes that all reach each other (strongly connected), of two and more."""
    reached = {node: reach(graph, node) for node in graph}
    sets = {frozenset(x for x in reached[node] if node in reached.get(x, ())) for node in graph}
    return sorted((x for x in sets if len(x) > 1), key=min)


def describe_circle(graph, component, what):
    """One of the shortest circles in COMPONENT, with the line of each include."""
    inner = {x: {y: graph[x][y] for y in graph[x] if y in component} for x in component}
    circle = min((shortest_circle(inner, x) for x in sorted(component)), key=len)
    steps = list(zip(circle, circle[1:] + circle[:1]))
    way = " -> ".join(circle + circle[:1])
    lines = [f"circle of {what}, the shortest among {len(component)} that reach each other: {way}"]
    return "\n".join(lines + [f"    {inner[x][y]}: {x} includes {y}" for x, y in steps])


def find_circles(texts):
    """Returns a description of each knot of units, and of rooms, in TEXTS: {path: text}."""
    headers = {path for path in texts if path.endswith(".h")}
    units = {path: find_unit(path, text, headers) for path, text in texts.items()}
    rooms = {path: split(path)[0] for path in texts}
    circles = []
    for what, node_of in (("units", units), ("rooms", rooms)):
        graph = build_graph(texts, node_of)
        circles += [describe_circle(graph, x, what) for x in find_components(graph)]
    return circles
