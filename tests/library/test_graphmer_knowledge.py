"""The graph builder: right triples, the same on every machine, and no file can stop it."""

import dataclasses
import os

import pytest
from graphmer import knowledge, packages

from tests.library.graphmer_worlds import shop, write_tree


def triples(tmp_path, files):
    return set(knowledge.build([write_tree(tmp_path, files)]).triples)


def test_a_relative_import_and_an_alias_resolve_to_the_definition(tmp_path):
    found = triples(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "def helper():\n    pass\n",
            "pkg/sub/__init__.py": "",
            "pkg/sub/b.py": "from ..a import helper as h\n\ndef go():\n    h()\n",
        },
    )
    assert ("pkg.sub.b.go", "calls", "pkg.a.helper") in found
    assert ("pkg.sub.b", "imports", "pkg.a") in found


def test_a_reexport_is_followed_to_where_the_name_is_defined(tmp_path):
    found = triples(
        tmp_path,
        {
            "pkg/__init__.py": "from .a import Thing\n",
            "pkg/a.py": "class Thing:\n    pass\n",
            "user.py": "import pkg\n\ndef make():\n    return pkg.Thing()\n",
        },
    )
    assert ("user.make", "instantiates", "pkg.a.Thing") in found


def test_self_is_looked_up_in_the_class_and_its_direct_bases(tmp_path):
    text = (
        "class A:\n    def f(self):\n        self.x = 1\n\n"
        "class B(A):\n    def g(self):\n        self.f()\n        return self.x\n\n"
        "class C(B):\n    def h(self):\n        self.f()\n"
    )
    found = triples(tmp_path, {"m.py": text})
    assert ("m.B.g", "calls", "m.A.f") in found
    assert ("m.B.g", "reads_attribute", "m.A.x") in found
    assert ("m.A.f", "writes_attribute", "m.A.x") in found
    assert ("m.C.h", "calls", "m.A.f") not in found, "A is no direct base of C"


def test_a_local_variable_hides_a_function_of_the_same_name(tmp_path):
    found = triples(tmp_path, {"m.py": "def f():\n    pass\n\ndef g(f):\n    f()\n\ndef h():\n    f()\n"})
    assert ("m.g", "calls", "m.f") not in found
    assert ("m.h", "calls", "m.f") in found


def test_raises_catches_decorates_inherits_and_overrides_are_found(tmp_path):
    text = (
        "import functools\n\nclass Bad(Exception):\n    pass\n\nclass A:\n    def f(self):\n        raise Bad('x')\n\n"
        "class B(A):\n    @functools.lru_cache\n    def f(self):\n        try:\n            pass\n"
        "        except (Bad, KeyError):\n            pass\n"
    )
    found = triples(tmp_path, {"m.py": text})
    expected = {
        ("m.A.f", "raises", "m.Bad"),
        ("m.B.f", "catches", "m.Bad"),
        ("m.B.f", "catches", "builtins.KeyError"),
        ("m.B.f", "decorated_by", "functools.lru_cache"),
        ("m.Bad", "inherits", "builtins.Exception"),
        ("m.B.f", "overrides", "m.A.f"),
    }
    assert expected <= found


def test_a_signature_shows_neither_bases_nor_decorators(tmp_path):
    text = "class B(dict):\n    @property\n    def f(\n        self, a: int = 1\n    ) -> int: return 1\n"
    kg = knowledge.build([write_tree(tmp_path, {"m.py": text})])
    shown = {d.name: d for d in kg.definitions}
    assert shown["m.B"].signature == "class B:"
    assert shown["m.B.f"].signature == "def f( self, a: int = 1 ) -> int:"
    assert shown["m.B.f"].source.startswith("def f(")
    assert ("has_parameter", "a") in shown["m.B.f"].triples


def test_files_that_cannot_be_read_are_skipped_by_reason(tmp_path):
    write_tree(tmp_path, {"good.py": "def f():\n    pass\n", "bad_syntax.py": "def f(:\n"})
    (tmp_path / "bomb.py").write_text("x = " + "-" * 200_000 + "1\n")
    (tmp_path / "nulls.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\nx = 1\n")
    (tmp_path / "cookie.py").write_bytes(b"# -*- coding: no-such-thing -*-\nx = 1\n")
    with open(tmp_path / "huge.py", "wb") as file:
        file.truncate(50_000_000)
    os.symlink(tmp_path / "loop.py", tmp_path / "loop.py")
    os.symlink(tmp_path, tmp_path / "again", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.py")
    manifest = knowledge.build([tmp_path]).manifest
    skipped = dict(manifest["skipped"])
    assert skipped.pop("recursion", 0) + skipped.pop("memory", 0) == 1, "which of the two depends on the Python version"
    assert skipped == {
        "syntax error": 1, "null bytes": 1, "undecodable": 2, "too large": 1, "unreadable": 1, "not a file": 1
    }  # fmt: skip
    assert manifest["files"] == 1


def test_folders_nested_a_thousand_deep_stop_neither_the_choice_of_packages_nor_the_graph(tmp_path, monkeypatch):
    write_tree(tmp_path, {"deep/__init__.py": "def f():\n    pass\n"})
    monkeypatch.chdir(tmp_path / "deep")
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    try:
        assert packages.installed(1, [tmp_path]) == [tmp_path / "deep"]
        assert knowledge.build([tmp_path / "deep"]).manifest["files"] == 1
    finally:  # pytest could not remove them either
        for _ in range(1200):
            os.chdir("..")
            os.rmdir("d")


def test_the_graph_does_not_depend_on_what_a_session_adds_to_the_builtins(tmp_path):
    write_tree(tmp_path, {"m.py": "def f():\n    display(len(exit()))\n"})
    calls = [tail for _, relation, tail in knowledge.build([tmp_path]).triples if relation == "calls"]
    assert calls == ["builtins.len"], "a kernel takes exit away and adds display"


def test_a_changed_byte_changes_the_hash(tmp_path):
    write_tree(tmp_path, {"m.py": "x = 1\n"})
    before = knowledge.build([tmp_path]).manifest["sha256"]
    (tmp_path / "m.py").write_text("x = 2\n")
    assert knowledge.build([tmp_path]).manifest["sha256"] != before


def test_tests_caches_and_installed_packages_are_left_out(tmp_path):
    files = {f"{folder}/m.py": "x = 1\n" for folder in ("site-packages", "test", "pkg/tests", "idlelib/idle_test")}
    kg = knowledge.build([write_tree(tmp_path, files | {"pkg/__init__.py": ""})])
    assert [d.name for d in kg.definitions] == ["pkg"]


def test_the_cache_gives_the_same_graph_and_a_damaged_one_is_rebuilt(tmp_path):
    root = write_tree(tmp_path / "src", shop("one", 1) | {"odd.py": "x = '\\ud800'\n\ndef f():\n    '''caf\u00e9'''\n"})
    cache = tmp_path / "cache"
    fresh = knowledge.build([root], cache=cache)
    (file,) = cache.iterdir()
    assert knowledge.build([root], cache=cache) == fresh
    whole = file.read_bytes()
    for damage in (b"", b"not gzip", whole[: len(whole) // 2]):
        file.write_bytes(damage)
        assert knowledge.build([root], cache=cache) == fresh
        assert file.read_bytes() == whole
    assert [f.name for f in cache.iterdir()] == [file.name], "no temporary file stays behind"
    for version, readable in ((1, True), (knowledge.VERSION + 1, False)):
        knowledge.save(file, dataclasses.replace(fresh, manifest=fresh.manifest | {"builder": version}))
        assert (knowledge.load(file) is not None) == readable, "a run of last week brings an earlier builder's graph"


def test_a_cached_graph_is_read_and_not_built_again(tmp_path, monkeypatch):
    root = write_tree(tmp_path / "src", {"m.py": "x = 1\n"})
    fresh = knowledge.build([root], cache=tmp_path)
    monkeypatch.setattr(knowledge, "_assemble", lambda *_: pytest.fail("built although cached"))
    assert knowledge.build([root], cache=tmp_path) == fresh


def test_no_triple_is_written_twice_and_every_end_has_a_type(kg):
    assert len(set(kg.triples)) == len(kg.triples)
    assert {name for head, _, tail in kg.triples for name in (head, tail)} <= set(kg.kinds)
    assert {relation for _, relation, _ in kg.triples} <= set(knowledge.RELATIONS)


def test_the_standard_library_gives_a_large_graph(standard_library):
    kg, calls = standard_library
    assert kg.manifest["files"] > 500
    assert len(kg.triples) > 80_000
    assert all(kg.manifest["relations"][relation] > 50 for relation in knowledge.RELATIONS)
    assert ("json.dumps", "instantiates", "json.encoder.JSONEncoder") not in kg.triples, "it calls through `cls`"
    assert ("json.load", "calls", "json.loads") in kg.triples
    assert calls[-1][0] == calls[-1][1]
