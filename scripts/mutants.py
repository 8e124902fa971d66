"""Small faults for a module's source, one at a time, each under a name that later edits elsewhere leave alone.

Nothing is planted where no test should look: docstrings, annotations, decorators, imports, and what an error says.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import takewhile

LONG = 80

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
}
PAIRS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("any", "all"),
    ("argmin", "argmax"),
    ("mean", "sum"),
    ("std", "var"),
    ("zeros", "ones"),
    ("left", "right"),
)
CALLED_FOR = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
SKIPPED = (ast.Import, ast.ImportFrom, ast.TypeAlias, ast.alias)
PARTS = (ast.Constant, ast.keyword, ast.Slice, ast.UnaryOp, ast.Tuple, ast.FormattedValue)
UNTOUCHED = {
    ast.Raise: ("exc", "cause"),
    ast.FormattedValue: ("format_spec",),
    ast.AnnAssign: ("annotation",),
    ast.arg: ("annotation",),
    ast.FunctionDef: ("returns", "decorator_list", "type_params"),
    ast.ClassDef: ("bases", "keywords", "decorator_list", "type_params"),
}
UNTOUCHED_NAMES = ("__slots__", "TYPE_CHECKING")

type Path = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the node at `path` replaced. `name` holds the module, the scope, what was there and what is now."""

    name: str
    module: str
    path: Path
    replacement: ast.AST

    def planted(self, tree: ast.Module) -> ast.Module:
        """A copy of the module with the fault in it."""
        return ast.fix_missing_locations(_replaced(tree, self.path, self.replacement))


def mutants_of(source: str, module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of the source."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    found = []
    for node, path, scope in _walk(tree, (), ""):
        shown = _shown(tree, path)
        for replacement in _replacements(node):
            around = _at(tree, shown)
            before, after = _apart(_text(around), _text(_replaced(around, path[len(shown) :], replacement)))
            name = f"{module} {scope}: {before} -> {after}"
            seen[name] += 1
            number = f" #{seen[name]}" if seen[name] > 1 else ""
            found.append(Mutant(name + number, module, path, replacement))
    return found


def _replaced(tree: ast.AST, path: Path, replacement: ast.AST) -> ast.AST:
    """A copy of the tree with another node at `path`."""
    if not path:
        return replacement
    tree = deepcopy(tree)
    parent = _at(tree, path[:-1])
    field, index = path[-1]
    if index is None:
        setattr(parent, field, replacement)
    else:
        getattr(parent, field)[index] = replacement
    return tree


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for field, index in path:
        tree = getattr(tree, field) if index is None else getattr(tree, field)[index]
    return tree


def _shown(tree: ast.AST, path: Path) -> Path:
    """The way to the smallest node around a fault that says something to a reader: more than a number or a slice."""
    around = path
    while isinstance(_at(tree, around), PARTS):
        around = around[:-1]
    return path if isinstance(_at(tree, around), (ast.Module, ast.ClassDef, ast.FunctionDef)) else around


def _text(node: ast.AST) -> str:
    """The node on one line; a statement with a body by its head."""
    return ast.unparse(node).split("\n")[0]


def _apart(before: str, after: str) -> tuple[str, str]:
    """Both texts, and of long ones no more than the difference and a little around it."""
    if len(before) <= LONG:
        return before, after
    head = _n_shared(before, after)
    tail = _n_shared(before[head:][::-1], after[head:][::-1])
    start = max(head - LONG // 2, 0)
    both = (text[start : len(text) - tail + LONG // 2] for text in (before, after))
    lead = "..." if start else ""
    before, after = (f"{lead}{text}{'...' if tail > LONG // 2 else ''}" for text in both)
    return before, after


def _n_shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _walk(node: ast.AST, path: Path, scope: str) -> Iterator[tuple[ast.AST, Path, str]]:
    """Every node in which a fault may be planted, with the way to it and the function or class around it."""
    if isinstance(node, SKIPPED) or _is_docstring(node) or _is_untouched(node):
        return
    if path:
        yield node, path, scope or "module"
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        scope = f"{scope}.{node.name}" if scope else node.name
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED.get(type(node), ()):
            continue
        if isinstance(value, ast.AST):
            yield from _walk(value, (*path, (field, None)), scope)
        elif isinstance(value, list):
            for index, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield from _walk(one, (*path, (field, index)), scope)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_untouched(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id in UNTOUCHED_NAMES
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in UNTOUCHED_NAMES


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    match node:
        case ast.Compare(left, ops, comparators):
            for k, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:k], other(), *ops[k + 1 :]], comparators)
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target, op, value):
            yield ast.AugAssign(target, ARITHMETIC[type(op)](), value)
            yield ast.Pass()
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(value):
            yield from (ast.Constant(other) for other in _other_values(value))
        case ast.Return(value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Expr():
            yield ast.Pass()
        case ast.Assign(targets) if isinstance(targets[0], (ast.Subscript, ast.Attribute)):
            yield ast.Pass()
        case ast.Call(func, args, keywords):
            if name := _called_for(func):
                yield ast.Call(name, args, keywords)
            # a class without one of its fields would only be a TypeError
            for k in range(0 if ast.unparse(func)[0].isupper() else len(keywords)):
                yield ast.Call(func, args, keywords[:k] + keywords[k + 1 :])
    yield from _negated(node)


def _negated(node: ast.AST) -> Iterator[ast.AST]:
    """A condition turned round, unless a comparison in it is turned round anyway."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        other = deepcopy(node)
        other.test = ast.UnaryOp(ast.Not(), node.test)
        yield other


def _other_values(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case int():
            return (value + 1, value - 1)
        case float():
            return (value * 2, value / 2) if value else (1.0,)
        case str():
            return (CALLED_FOR.get(value, value + "?"),)
    return ()


def _called_for(func: ast.expr) -> ast.expr | None:
    match func:
        case ast.Name(name) if name in CALLED_FOR:
            return ast.Name(CALLED_FOR[name], ast.Load())
        case ast.Attribute(value, name) if name in CALLED_FOR:
            return ast.Attribute(value, CALLED_FOR[name], ast.Load())
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
