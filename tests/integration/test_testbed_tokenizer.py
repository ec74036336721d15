"""Digits stay apart, texts survive, and the prompt that is trained on is the one that an engine renders."""

import random

import pytest

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Message
from reasonflux.testbed.corpus import corpus
from reasonflux.testbed.samples import ReasonerSamples
from reasonflux.testbed.tokenizer import CONTEXT, END, PAD, START, chat_prompt, train_tokenizer
from reasonflux.testbed.training import IGNORED, encode

SHARES = {"right_plan": 0.25, "no_plan": 0.25, "wrong_plan": 0.4, "drill": 0.1}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(corpus(PromptSet.load(), seed=0, count=150), 600)


def test_every_digit_is_a_token_of_its_own(tokenizer):
    pieces = tokenizer.tokenize("1. 240/20=12, 35/5=7\n\\boxed{407}")
    assert "".join(pieces).count("4") == 2
    assert all(len(piece.strip("Ġ")) == 1 for piece in pieces if any(sign.isdigit() for sign in piece))


def test_special_tokens_are_single_and_texts_survive_the_round_trip(tokenizer):
    assert [len(tokenizer(sign, add_special_tokens=False)["input_ids"]) for sign in (START, END, PAD)] == [1, 1, 1]
    assert (tokenizer.eos_token, tokenizer.pad_token) == (END, PAD)
    text = "1. Count the Gaps\n2. 3*8=24, x^2-9x+14=0 – ünïcode"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_prompt_trained_on_is_what_the_chat_template_renders(tokenizer):
    messages = (Message(role="user", content="Plan.\nProblem: 12"),)
    chat = [{"role": message.role, "content": message.content} for message in messages]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert chat_prompt(messages) == rendered
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert ids == tokenizer(chat_prompt(messages), add_special_tokens=False)["input_ids"]


def test_only_targets_are_learnt_and_samples_fit_the_context(tokenizer):
    draw = ReasonerSamples(PromptSet.load(), SHARES)
    rng = random.Random(0)
    for _ in range(100):
        sample = draw(rng)
        ids, labels = encode(tokenizer, sample)
        assert len(ids) == len(labels) < CONTEXT
        learnt = tokenizer.decode([label for label in labels if label != IGNORED])
        assert learnt == "".join(text for text, is_learnt in sample if is_learnt)


def test_the_kinds_of_samples_come_in_their_shares():
    draw = ReasonerSamples(PromptSet.load(), SHARES)
    rng = random.Random(0)
    samples = [draw(rng) for _ in range(1500)]
    free = sum(sample[0][0].startswith(f"{START}user\nSolve") for sample in samples)
    drills = sum(len(sample) > 2 for sample in samples)
    assert free / len(samples) == pytest.approx(0.25, abs=0.04)
    assert drills / len(samples) == pytest.approx(0.1, abs=0.03)
