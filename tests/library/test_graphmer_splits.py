"""What is held out stays out: packages, bodies, triples, and whatever would tell of them."""

from graphmer import corpus, knowledge, splits

from tests.library.graphmer_worlds import write_tree


def test_twins_and_vendored_copies_are_one_package():
    assert splits.package("_pydecimal.Decimal") == splits.package("decimal.x") == splits.package("_decimal")
    assert splits.package("_pyio.open") == splits.package("io.open") == splits.package("_io")
    assert splits.package("_py_abc.ABCMeta") == splits.package("abc.ABC") == splits.package("_abc") == "abc"
    assert splits.package("cProfile.run") == splits.package("profile.run") == "profile"
    assert splits.package("pyclbr.f") == "pyclbr"
    assert splits.package("pip._vendor.rich.table.Table") == splits.package("rich.table.Table") == "rich"
    assert splits.package("setuptools._distutils.core.setup") == splits.package("distutils.core.setup")
    assert splits.package("pip._internal.cli") == "pip"


def test_a_body_that_stands_in_two_packages_is_on_one_side_only(tmp_path):
    body = "    total = 0\n    for item in items:\n        total += check(item)\n    return total\n"
    for seed in range(12):
        # neither the comments nor the docstrings of the copies agree
        check = "def check(x):\n    return x\n\n"
        files = {
            f"p{i}.py": f'{check}def add_{i}(items):  # {i}\n    """Sum, {i}."""\n{body}  # {i}\n' for i in range(12)
        }
        kg = knowledge.build([write_tree(tmp_path / str(seed), files)])
        split = splits.hold_out(kg, test_share=0.3, valid_share=0.2, seed=seed)
        sides = {
            name: {splits.body_key(d) for d in side} - {""}
            for name, side in (
                ("train", split.train_definitions), ("valid", split.valid_definitions), ("test", split.test_definitions)
            )
        }  # fmt: skip
        assert sum(bool(keys) for keys in sides.values()) == 1
        kept = {d.name for d in (*split.train_definitions, *split.valid_definitions, *split.test_definitions)}
        assert {t[0] for t in split.everything() if ".add_" in t[0]} <= kept, "a dropped copy leaves no triple behind"


def test_what_says_the_same_as_a_held_out_triple_is_held_out_too(tmp_path):
    files = {
        f"p{i}.py": "import json\nfrom json import loads\n\nclass Bad(Exception):\n    pass\n\n"
        + "".join(f"def f{j}(x):\n    if x > {j}:\n        raise Bad({j})\n    return loads(x)\n\n" for j in range(8))
        for i in range(6)
    }
    split = splits.hold_out(knowledge.build([write_tree(tmp_path, files)]), test_share=0.0, valid_share=0.0)
    test = split.tests[splits.RANDOM]
    assert len(test) > 5
    held = {(h, t.rpartition(".")[2]) for h, r, t in test}
    trained = {(h, t.rpartition(".")[2]) for h, r, t in split.train if r in knowledge.QUERIED}
    assert not held & trained, "`raises Bad` beside `instantiates Bad`"
    for head, relation, tail in test:
        if relation == "imports":
            assert not [
                t for t in split.train if t[0] == head and t[1] == "imports_name" and t[2].startswith(f"{tail}.")
            ]


def test_no_function_around_or_inside_one_with_a_held_out_triple_shows_its_body(tmp_path):
    files = {
        f"p{i}.py": "".join(
            f"def outer{j}(x):\n    def inner(y):\n        return sorted(y) + list(x)[{i}{j}:]\n"
            f"    return inner(len(x) + {i}{j} + {j})\n\n"
            for j in range(6)
        )
        for i in range(4)
    }
    kg = knowledge.build([write_tree(tmp_path, files)])
    split = splits.hold_out(kg, test_share=0.0, valid_share=0.0, random_share=0.2)
    asked = {head for head, *_ in split.tests[splits.RANDOM]}
    assert {name.endswith("inner") for name in asked} == {True, False}
    shown = [d.name for d in split.train_definitions if d.source and d.name not in split.hidden]
    assert shown, "functions without a held-out triple are read"
    assert not [(a, b) for a in asked for b in shown if a.startswith(f"{b}.") or b.startswith(f"{a}.")]
    held = {(h, t) for h, _, t in split.tests[splits.RANDOM]}
    assert {t for _, t in held} & {d.name for d in kg.definitions}, "an inner function is among the answers"
    assert not held & {(h, t) for h, _, t in split.train}, "`defines inner` tells of `calls inner`"


def test_a_definition_with_a_held_out_triple_shows_no_body(kg, tokenizer, settings):
    split = splits.hold_out(kg, test_share=0.2)
    assert {t[0] for t in split.tests[splits.RANDOM]} & {d.name for d in split.train_definitions} <= split.hidden
    data = corpus.build_corpus(split.train_definitions, split.train, tokenizer, settings, split.hidden)
    for sample, definition in enumerate(split.train_definitions):
        shown = tokenizer.decode(data.text(corpus.BODY, sample).tolist())
        if definition.source and definition.name in split.hidden:
            assert "return" not in shown
        elif definition.source:
            assert "return" in shown or "return" not in definition.source or len(data.text(corpus.BODY, sample)) == 60


def test_the_splits_do_not_depend_on_anything_but_names(kg):
    assert splits.hold_out(kg) == splits.hold_out(kg)
    assert splits.hold_out(kg, seed=1).tests != splits.hold_out(kg).tests
