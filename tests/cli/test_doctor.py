"""`glassnet doctor` as people type it."""

import json

import pytest

from glassnet.cli import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert (
            run(["train", "digits:3,7", "--epochs", "6", "--hidden", "16", "--out", "fine.safetensors", "--json"]) == 0
        )
        slow = ["--optimizer", "sgd", "--learning-rate", "1e-5", "--hidden", "16", "--epochs", "4"]
        assert run(["train", "digits:3,7", *slow, "--out", "slow.safetensors", "--json"]) == 0


def test_a_healthy_model_hears_one_line(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "fine.safetensors"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Nothing ails this training: ")
    assert out.count("\n") == 1


def test_a_sick_one_hears_the_cure_with_its_curves(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "slow.safetensors", "digits:3,7", "--prove", "--out", "slow.html"]) == 0
    out = capsys.readouterr().out
    assert "1. The rate 1e-05 is too low" in out
    assert "Cure: Train at " in out
    assert "It helps" in out
    assert "Written to slow.html." in out
    assert "with the cure, held-out rows end at" in (here / "slow.html").read_text(encoding="utf-8")


def test_json_is_one_object(here, trained, capsys):
    capsys.readouterr()
    assert run(["doctor", "slow.safetensors", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["findings"][0]["name"] == "rate_too_low"
    assert values["source"] == "digits:3,7"
    assert values["healthy"] is False


def test_no_file_of_a_persons_is_written_over(here, trained, capsys):
    (here / "mine.html").write_text("my own page")
    assert run(["doctor", "fine.safetensors", "--out", "mine.html"]) == 2
    assert "was not made by glassnet" in capsys.readouterr().err
    assert (here / "mine.html").read_text() == "my own page"


def test_another_source_is_refused(here, trained, capsys):
    assert run(["doctor", "fine.safetensors", "digits"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_a_model_without_its_run_is_refused_in_a_sentence(here, trained, capsys):
    (here / "alone.safetensors").write_bytes((here / "fine.safetensors").read_bytes())
    assert run(["doctor", "alone.safetensors", "digits:3,7"]) == 2
    assert "alone.run" in capsys.readouterr().err
