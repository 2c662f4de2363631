#!/usr/bin/env python3
"""Changes the checks, one small change at a time, and counts how many the corpus of attempts notices.

    .venv/bin/python tests/acceptance/corpus.py --record FOLDER     (on a running lab; once)
    .venv/bin/python bench/mutation.py FOLDER [--write]

Every recorded observation is graded again with the changed check. A change is noticed when one verdict differs, or when a
right attempt is no longer told the same. No Docker is needed.
"""

import argparse
import ast
import copy
import importlib
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "acceptance")]

from corpus import attempts, recorded, verdicts  # noqa: E402

from labkit.content import exercises, facts  # noqa: E402

FACTS = ROOT / "labkit" / "content" / "facts.py"
FLIPS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def mutants(source):
    """(kind, line, function, changed source) for each small change of a condition."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        words = {id(below) for node in ast.walk(function) if only_words(node) for below in ast.walk(node)}
        for index, node in enumerate(ast.walk(function)):
            if id(node) in words:
                continue
            for kind, change in changes(node):
                changed = copy.deepcopy(tree)
                twin = next(
                    one
                    for one in ast.walk(changed)
                    if isinstance(one, ast.FunctionDef) and one.lineno == function.lineno
                )
                target = list(ast.walk(twin))[index]
                change(target)
                yield (
                    kind,
                    getattr(node, "lineno", function.lineno),
                    function.name,
                    ast.unparse(ast.fix_missing_locations(changed)),
                )


def only_words(node):
    """Whether a part of a check only chooses words for a message: no condition, and no verdict depends on it."""
    if isinstance(node, ast.keyword):
        return node.arg in ("expected", "found", "since", "machine", "user", "key")
    if isinstance(node, ast.Assign):
        names = {one.id for one in node.targets if isinstance(one, ast.Name)}
        return bool(names & {"found", "error", "code", "one", "moving", "since", "states", "kind", "values", "down"})
    if isinstance(node, ast.Return):
        return isinstance(node.value, ast.JoinedStr)
    return isinstance(node, ast.JoinedStr)


def changes(node):
    """The ways in which a node can be changed, as (kind, what to do to its twin in the copy)."""
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            if type(operator) in FLIPS:
                yield "comparison flipped", lambda one, at=position: one.ops.__setitem__(at, FLIPS[type(one.ops[at])]())
    if isinstance(node, ast.BoolOp):
        for position in range(len(node.values)):
            yield "condition dropped", lambda one, at=position: one.values.pop(at)
        swapped = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield "and/or swapped", lambda one, other=swapped: setattr(one, "op", other())
    if isinstance(node, ast.If):
        yield "never", lambda one: setattr(one, "test", ast.Constant(False))
        yield "always", lambda one: setattr(one, "test", ast.Constant(True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield (
            "not dropped",
            lambda one: (
                setattr(one, "op", ast.UAdd())
                or setattr(one, "operand", ast.Call(ast.Name("bool", ast.Load()), [one.operand], []))
            ),
        )
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement dropped", lambda one: setattr(one, "value", ast.Constant(None))


def told(cases, slug=None):
    """Every verdict of the recorded attempts, of one exercise or all."""
    return [verdicts(attempt, observation) for attempt, observation in cases if slug in (None, attempt.slug)]


def run(cases):
    """[(file, function, line, kind, noticed)]"""
    results = []
    baseline = told(cases)
    source = FACTS.read_text()
    for kind, line, function, changed in mutants(source):
        results.append(("facts.py", function, line, kind, noticed_in_facts(changed, cases, baseline)))
    for slug in exercises.slugs():
        file = exercises.folder() / slug / "checks.py"
        before = told(cases, slug)
        for kind, line, function, changed in mutants(file.read_text()):
            results.append(
                (f"{slug}/checks.py", function, line, kind, noticed_in_checks(file, changed, cases, slug, before))
            )
    return results


def noticed_in_facts(changed, cases, baseline):
    kept = dict(vars(facts))
    try:
        exec(compile(changed, str(FACTS), "exec"), vars(facts))
        exercises.read.cache_clear()
        return told(cases) != baseline
    finally:
        vars(facts).clear()
        vars(facts).update(kept)
        exercises.read.cache_clear()


def noticed_in_checks(file, changed, cases, slug, before):
    original = file.read_text()
    try:
        file.write_text(changed)
        exercises.read.cache_clear()
        importlib.invalidate_caches()
        return told(cases, slug) != before
    except Exception:
        return True
    finally:
        file.write_text(original)
        exercises.read.cache_clear()


def table(results):
    kinds = defaultdict(Counter)
    for _, _, _, kind, noticed in results:
        kinds[kind][noticed] += 1
    rows = [
        f"| {kind} | {sum(one.values())} | {one[True]} | {one[True] / sum(one.values()):.0%} |"
        for kind, one in sorted(kinds.items())
    ]
    total, seen = len(results), sum(one[4] for one in results)
    return [
        "| change | made | noticed | |",
        "|---|---|---|---|",
        *rows,
        f"| **all** | **{total}** | **{seen}** | **{seen / total:.1%}** |",
    ]


def corpus_table():
    every = attempts()
    rows = []
    for slug in exercises.slugs():
        mine = [one for one in every if one.slug == slug]
        right = sum(one.right for one in mine)
        met = {verdict for one in mine for verdict in one.expected.values()} - {"passed", "blocked", "converging"}
        rows.append(f"| {slug} | {right} | {len(mine) - right} | {len(met)} |")
    right = sum(one.right for one in every)
    met = {verdict for one in every for verdict in one.expected.values()} - {"passed", "blocked", "converging"}
    total = f"| **all** | **{right}** | **{len(every) - right}** | **{len(met)}** |"
    return ["| exercise | right but different | wrong | diagnoses met |", "|---|---|---|---|", *rows, total]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--write", action="store_true", help="put the tables into docs/grading.md")
    chosen = options.parse_args()
    cases = list(recorded(chosen.folder))
    assert len(cases) == len(attempts()), f"{len(cases)} of {len(attempts())} attempts are recorded in {chosen.folder}"
    start = time.monotonic()
    results = run(cases)
    for file, function, line, kind, noticed in results:
        if not noticed:
            print(f"not noticed: {file}:{line} {function}: {kind}")
    print("\n".join(table(results)))
    print(f"{len(results)} changes, {len(cases)} attempts each, {time.monotonic() - start:.0f} s")
    if chosen.write:
        put("corpus", corpus_table())
        put("mutation", table(results))


def put(name, lines):
    """Puts a table between its two marks in docs/grading.md."""
    page = ROOT / "docs" / "grading.md"
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1])


if __name__ == "__main__":
    main()
