"""The link head: what it may look at, that it repeats exactly, that it learns, and what it leaves behind."""

import dataclasses
import os
import signal

import numpy as np
import pytest
import torch
from graphmer import baselines, contexts, export, links, ranking, splits, state
from graphmer.contexts import BUCKETS, CLOSED, OPEN, POINTERS, SCOPE
from graphmer.corpus import last_component
from graphmer.knowledge import QUERIED
from graphmer.model import Config, GraphMER
from graphmer.surroundings import NEAR, SOURCES, Surroundings
from graphmer.textstates import TextStates

SHAPE = Config(width=32, heads=2, hidden=64, layers=1, vocabulary=600, roots=32, dropout=0.0, relation_dropout=0.0)
QUICK = links.Settings(epochs=3, batch=64, width=16, dropout=0.1)


@pytest.fixture(scope="module")
def split(kg):
    return splits.hold_out(kg, test_share=0.4)


@pytest.fixture(scope="module")
def around(split):
    return Surroundings(split, baselines.candidates(split))


@pytest.fixture(scope="module")
def states(around, tokenizer, settings):
    torch.manual_seed(0)
    return TextStates(GraphMER(SHAPE), around, tokenizer, settings, sample=64)


@pytest.fixture(scope="module")
def trained(states):
    return links.train(states, links.new_run(states.around, states, QUICK))


def seen(asked, source):
    """{candidate: (there, log(1 + n))} that one source shows to the first question."""
    who, of, candidate, features = asked.entries
    mine = (who == 0) & (of == source)
    return {c: tuple(f[:2].round(5)) for c, f in zip(candidate[mine].tolist(), features[mine], strict=True)}


def one(around, triple, **named):
    head, relation, gold = triple
    return around.ask(np.array([head]), np.array([relation]), **{k: np.array([v]) for k, v in named.items()})


def triple_of(around, relation="calls"):
    """A training triple, as numbers and as it was."""
    number = next(i for i, (_, r, _) in enumerate(around.triples) if QUERIED[r] == relation)
    head, _, gold = around.triples[number].tolist()
    return around.triples[number], (around.definitions[head].name, relation, around.names[gold])


def without(split, keep, names):
    return Surroundings(dataclasses.replace(split, train=tuple(t for t in split.train if keep(t))), names)


def test_a_training_triple_does_not_see_itself(split, around):
    triple, (head, relation, gold) = triple_of(around)
    fewer = without(split, lambda t: (t[0], t[1], last_component(t[2])) != (head, relation, gold), around.names)
    asked, blind = one(around, triple, gold=triple[2]), one(fewer, triple)
    for source in range(1, len(SOURCES)):
        assert seen(asked, source) == seen(blind, source), SOURCES[source]
    assert np.allclose(asked.totals, blind.totals)
    assert sorted(asked.bags[-1][0]) == sorted(blind.bags[-1][0]), "among the known triples neither"
    change = asked.entries[3][(asked.entries[1] == 0) & (asked.entries[2] == triple[2])]
    wanted = fewer.prior[triple[1], triple[2]] - around.prior[triple[1], triple[2]]
    assert np.allclose(change[:, 1], wanted[1]), "the dense table is corrected"


def test_a_question_as_if_unseen_counts_other_packages_only(split, around):
    triple, (head, *_) = triple_of(around, "raises")
    own = splits.package(head)
    fewer = without(split, lambda t: splits.package(t[0]) != own, around.names)
    asked, blind = one(around, triple, gold=triple[2], unseen=True), one(fewer, triple)
    for source, name in enumerate((*OPEN, *CLOSED)):
        if source:
            assert seen(asked, source) == seen(blind, source), name
        assert name not in CLOSED or not seen(asked, source)
    assert not len(asked.bags[-1][0]), "no known triples"


def test_other_true_answers_are_no_contest_in_training(around):
    row = next(r for r in range(len(around.true)) if len(set(around.true[r].tolist())) > 1)
    gold, *others = around.true[row].tolist()
    head, relation = divmod(row, len(QUERIED))
    asked = one(around, (head, relation, gold), gold=gold)
    assert sorted(asked.barred[1].tolist()) == sorted(others) and gold not in others
    assert not len(one(around, (head, relation, gold)).barred[0]), "a test's own filter does that"


def test_bodies_and_held_out_triples_change_nothing(split, around):
    bare = {
        name: tuple(dataclasses.replace(d, source="", triples=()) for d in getattr(split, name))
        for name in ("train_definitions", "test_definitions")
    }
    other = Surroundings(dataclasses.replace(split, tests={}, valid=(), **bare), around.names)
    heads = np.arange(0, len(around.heads), 7)
    ours, theirs = (s.ask(heads, heads % len(QUERIED)) for s in (around, other))
    for a, b in zip((*ours.entries, ours.totals), (*theirs.entries, theirs.totals), strict=True):
        assert np.array_equal(a, b)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(ours.bags, theirs.bags, strict=True))


def mrr(linker, questions):
    scores = linker.scores(questions.triples)
    return np.mean([1 / ranking.rank(*x) for x in zip(scores, questions.gold, questions.known, strict=True)])


def test_the_trained_head_beats_counting_a_relation_and_the_untrained_one(split, trained, states, tokenizer, settings):
    linker = links.Linker(trained, states)
    questions = ranking.make_questions(split, splits.RANDOM, tokenizer, settings, 200)
    counts = baselines.Counts(split.train, questions.names)
    counted = [counts.scores(head, relation, ("relation",)) for head, relation, _ in questions.triples]
    counting = np.mean([1 / ranking.rank(*x) for x in zip(counted, questions.gold, questions.known, strict=True)])
    untrained = mrr(linker.untrained(GraphMER(SHAPE)), questions)
    assert mrr(linker, questions) > counting + 0.02
    assert untrained < counting - 0.1


def test_a_stage_that_was_stopped_and_stored_goes_on_exactly(states, trained, tmp_path):
    run = links.new_run(states.around, states, QUICK)
    stops = iter([False] * 4 + [True])
    links.train(states, run, should_stop=lambda: next(stops))
    assert run.step == 4
    presses = iter([None] * 2 + [signal.SIGINT])  # the stop button: the step in work is finished

    def press():
        if button := next(presses):
            os.kill(os.getpid(), button)
        return False

    links.train(states, run, should_stop=press)
    assert run.step == 7
    state.write_links(tmp_path, run, states.around.names, 40)
    again = state.resume_links(state.read_links(tmp_path), states, QUICK, 40)
    assert again.step == 7
    links.train(states, again)
    for name, tensor in trained.head.state_dict().items():
        assert torch.equal(tensor, again.head.state_dict()[name]), name
    assert [step for step, _ in again.losses] == [step for step, _ in trained.losses]


def test_a_head_of_another_version_encoder_or_setting_begins_anew(states, trained, tmp_path):
    state.write_links(tmp_path, trained, states.around.names, 40)
    found = state.read_links(tmp_path)
    assert state.resume_links(found, states, QUICK, 41).step == 0
    assert state.resume_links(found, states, dataclasses.replace(QUICK, seed=1), 40).step == 0
    assert state.resume_links(found | {"version": 1}, states, QUICK, 40).step == 0
    older = {key: value for key, value in found.items() if key != "version"}  # as heads of before this key
    assert state.resume_links(older, states, QUICK, 40).step == 0
    assert state.resume_links(found, states, QUICK, 40).step == trained.step
    assert state.read_links(tmp_path / "nothing") is None
    del found["weights"]["bias"]
    with pytest.raises(state.StateError, match=r"links\.safetensors"):
        state.resume_links(found, states, QUICK, 40)


def test_an_exported_head_scores_the_same_beside_its_graph(states, trained, split, tokenizer, tmp_path):
    export.write(tmp_path, states.model, tokenizer, "card", links.Linker(trained, states, 40))
    assert not (tmp_path / "links-optimizer.safetensors").exists()
    again = state.resume_links(state.read_links(tmp_path), states, QUICK, 40)
    triples = [t for t in split.train if t[1] == "calls"][:5]
    for ours, theirs in zip(*(links.Linker(run, states).scores(triples) for run in (trained, again)), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("part", sorted(links.PARTS))
def test_what_is_left_out_has_no_say(states, part):
    run = links.new_run(states.around, states, dataclasses.replace(QUICK, left_out=(part,)))
    with torch.no_grad():
        for parameter in run.head.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    run.head.eval()
    shared = links.world(states.around, states.device)
    triples = states.around.triples[:5]
    batch = links.to_device(states.around.ask(triples[:, 0], triples[:, 1]), states)
    who, source, candidate, features = batch.entries
    number = {name: i for i, name in enumerate(SOURCES)}
    touched = {"counts": (*OPEN, *CLOSED, *NEAR), "neighbours": NEAR, "scope": SCOPE}.get(part, ())
    mine = torch.isin(source, torch.tensor([number[name] for name in touched], dtype=torch.long))
    other = dataclasses.replace(
        batch,
        states=batch.states + (part == "encoder"),
        bags=tuple(((ids + 1) % 100, first) for ids, first in batch.bags[:-1]) + batch.bags[-1:]
        if part == "words"
        else batch.bags,
        entries=(who, source, candidate, torch.where(mine[:, None], 7.0, features)),
    )
    shared_other = dataclasses.replace(shared, prior=shared.prior + 5.0 * (part == "counts"))
    assert torch.equal(run.head(batch, shared), run.head(other, shared_other))
    whole = links.new_run(states.around, states, QUICK).head.eval()
    whole.load_state_dict(run.head.state_dict())
    assert not torch.equal(whole(batch, shared), whole(other, shared_other)), "and otherwise it has one"


def test_an_unknown_part_is_named():
    with pytest.raises(ValueError, match="colours: only"):
        links.Settings(left_out=("colours",))


def test_every_pointer_has_its_finder(around):
    assert tuple(contexts.finders(around.definitions, contexts.read(around.definitions), around.column)) == POINTERS
    assert POINTERS[-len(SCOPE) :] == SCOPE


def test_neighbours_are_the_most_similar_definitions_of_other_packages(around):
    """Against cosines over all pairs, one by one."""
    near = around.near
    words, place = np.unique(near.words.flat, return_inverse=True)
    rows = np.zeros((len(around.heads), len(words)))
    rows[np.repeat(np.arange(len(around.heads)), near.words.lengths()), place] = near.weights
    assert np.allclose(np.linalg.norm(rows, axis=1)[near.words.lengths() > 0], 1)
    for head, relation in around.triples[:: len(around.triples) // 8, :2].tolist():
        like = rows @ rows[head]
        like[around.package == around.package[head]] = 0
        like[~np.isin(np.arange(len(like)), around.triples[around.triples[:, 1] == relation, 0])] = 0
        least = np.sort(like)[-60]
        wanted = np.zeros(len(around.names))
        for other in np.flatnonzero((like > 0) & (like >= least * (1 - 1e-9))):
            mine = (around.triples[:, 0] == other) & (around.triples[:, 1] == relation)
            wanted[np.unique(around.triples[mine, 2])] += like[other]
        who, candidate, weight, total = near.ask(np.array([head]), np.array([relation]))
        found = np.zeros(len(around.names))
        found[candidate] = weight
        assert np.allclose(found, wanted) and not who.any()
        assert np.allclose(near.shares(np.array([head]), np.array([relation]))[0] * total, found)


def test_an_unseen_question_reads_only_words_that_others_use_too(around):
    used = {}
    for bags in around.words:
        for head in np.unique(around.triples[:, 0]).tolist():
            for word in bags[head].tolist():
                used.setdefault(word, set()).add(around.package[head])
    lonely = {word for word, tops in used.items() if len(tops) == 1} - set(around.spelling.flat.tolist())
    assert lonely and lonely == set(np.flatnonzero(around.lonely >= 0).tolist()) and max(lonely) < BUCKETS
    head, relation, gold = next(t for t in around.triples if lonely & set(around.words[0][t[0]].tolist()))
    seen, blind = (one(around, (head, relation, gold), gold=gold, unseen=flag) for flag in (False, True))
    assert seen.bags[0][0].tolist() == around.words[0][head].tolist()
    assert blind.bags[0][0].tolist() == [word for word in seen.bags[0][0].tolist() if word not in lonely]


def test_a_class_shows_the_names_of_its_methods(around):
    owner, method = next((around.heads[d.owner], d) for d in around.definitions if d.owner in around.heads)
    words = contexts.hashes([f"={last_component(method.name)}"])
    assert words[0] in around.words[contexts.WORDS.index("members")][owner].tolist()
