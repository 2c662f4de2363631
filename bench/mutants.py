"""Small changes of Python functions: every comparison, condition, branch, filter, number, truth value and call of them."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

FLIPS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change. `function` is where it is (Registry.pulls), `line` the function's first, by which it is found alive."""

    file: str
    function: str
    function_line: int
    line: int
    kind: str
    change: str
    """What stood there → what stands there now."""
    code: CodeType = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Names it without a line number."""
        return (self.file, self.function, self.kind, self.change)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}: {self.kind}: {self.change}"


def mutants(file: str, source: str, path: str) -> Iterator[Mutant]:
    """Every change of every function of a source, at the top or in a class. `path` is what the code says where it is from."""
    met: Counter[tuple[str, str, str, str]] = Counter()
    for name, function in functions(ast.parse(source)):
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        function.decorator_list = []
        nodes = list(inner(function))
        if compiled(function, path, "." in name).co_freevars:  # must stay, also where super() is what was left out
            function.body.append(ast.Expr(ast.Name("__class__", ast.Load())))
        for node in nodes:
            for kind, apply in changes(node):
                before = ast.unparse(node)
                undo = apply()
                change = brief(before, ast.unparse(node))
                code = compiled(function, path, in_class="." in name)
                undo()
                mutant = Mutant(file, name, first, getattr(node, "lineno", function.lineno), kind, change, code)
                met[mutant.key] += 1
                nth = met[mutant.key]
                yield mutant if nth == 1 else replace(mutant, change=f"{change} (the {nth}th of these)")


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{held.name}", held) for held in node.body if isinstance(held, ast.FunctionDef))


def inner(function: ast.FunctionDef) -> Iterator[Any]:
    """The nodes of its body: neither docstrings nor annotations, which decide nothing."""
    for statement in function.body:
        yield from walk(statement)


def walk(node: ast.AST) -> Iterator[Any]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from walk(child)


def compiled(function: ast.FunctionDef, path: str, in_class: bool) -> CodeType:
    """The function's code; of a method as in a class, so that super() finds it."""
    around = ast.ClassDef("Around", [], [], [function], []) if in_class else function
    code = compile(ast.fix_missing_locations(ast.Module([around], [])), path, "exec")
    for _ in range(1 + in_class):
        code = next(const for const in code.co_consts if isinstance(const, CodeType))
    return code


def brief(before: str, after: str) -> str:
    """`before → after`, of a branch only its first line."""
    first = [re.sub(r"\s+", " ", text.partition("\n")[0]) for text in (before, after)]
    return " → ".join(first)


Undo = Callable[[], None]


def changes(node: Any) -> Iterator[tuple[str, Callable[[], Undo]]]:
    """The ways in which a node can be changed: (kind, what does it, and returns what undoes it)."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            if type(operator) in FLIPS:
                yield "comparison flipped", lambda at=at, operator=operator: item(node.ops, at, FLIPS[type(operator)]())
    elif isinstance(node, ast.BoolOp):
        for at in range(len(node.values)):
            kept = node.values[:at] + node.values[at + 1 :]
            yield "condition dropped", lambda kept=kept: attribute(node, "values", kept if kept[1:] else kept * 2)
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or swapped", lambda: attribute(node, "op", other)
    elif isinstance(node, (ast.If, ast.IfExp)):
        yield "never", lambda: attribute(node, "test", ast.Constant(False))
        yield "always", lambda: attribute(node, "test", ast.Constant(True))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", lambda: attribute(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node, ast.comprehension):
        for at in range(len(node.ifs)):
            yield "filter dropped", lambda at=at: attribute(node, "ifs", node.ifs[:at] + node.ifs[at + 1 :])
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement dropped", lambda: attribute(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "truth changed", lambda: attribute(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield "number changed", lambda: attribute(node, "value", node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield "word changed", lambda: attribute(node, "value", f"{node.value}~")


def attribute(node: Any, name: str, value: Any) -> Undo:
    before = getattr(node, name)
    setattr(node, name, value)
    return lambda: setattr(node, name, before)


def item(held: list[Any], at: int, value: Any) -> Undo:
    before = held[at]
    held[at] = value
    return lambda: held.__setitem__(at, before)
