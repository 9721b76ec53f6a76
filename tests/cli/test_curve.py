"""`glassnet curve` as a person types it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from glassnet.cli import run

QUICK = ["--hidden", "8", "--epochs", "4", "--seeds", "3", "--sizes", "30", "60", "120", "280"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def prices(rows=120):
    rng = np.random.default_rng(0)
    area, rooms = rng.uniform(20, 200, rows), rng.integers(1, 7, rows)
    price = 3000 * area + 20_000 * rooms + rng.normal(0, 5000, rows)
    lines = ["area,rooms,price", *(f"{a:.3f},{r},{p:.2f}" for a, r, p in zip(area, rooms, price, strict=True))]
    Path("prices.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def error_of(capsys, *arguments):
    assert run(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert 1 <= len(captured.err.strip().splitlines()) <= 2, captured.err
    return captured.err


def test_a_page_and_its_words(capsys):
    assert run(["curve", "digits:3,7", *QUICK]) == 0
    captured = capsys.readouterr()
    assert "12 trainings" in captured.err
    assert re.search("about \\d+ s|a second or two", captured.err)  # how long it will take, before the rest is trained
    assert re.search(r"Trained on 2\d\d rows, .*% of \d+ held-out rows are mistaken", captured.out)
    assert "Written to digits-3-7.curve.html" in captured.out
    page = Path("digits-3-7.curve.html").read_text(encoding="utf-8")
    assert "Learning curve of digits:3,7" in page


def test_json_is_one_object_and_no_page_unless_asked(capsys):
    assert run(["curve", "digits:3,7", *QUICK, "--json"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["sizes"] == [30, 60, 120, 280]
    assert captured.err == ""
    assert not list(Path().iterdir())
    assert run(["curve", "digits:3,7", *QUICK, "--json", "--out", "c.html"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["loss"] == answer["loss"]
    assert Path("c.html").exists()


def test_a_number_is_told_in_its_own_units(capsys):
    prices()
    assert run(["curve", "prices.csv", "--target", "price", "--seeds", "2", "--epochs", "30", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    truth = np.loadtxt("prices.csv", delimiter=",", skiprows=1)[:, 2]
    rmse, r2 = np.array(answer["error"]["held_out"]), np.array(answer["r2"])
    assert answer["error"]["name"] == "root mean squared error"
    assert 1000 < rmse[-1].mean() < truth.std()
    np.testing.assert_allclose(rmse[-1] ** 2 / (1 - r2[-1]), truth.var(), rtol=0.5)  # that of the held-out rows


def test_what_is_refused_before_anything_is_trained(capsys):
    assert "ends in .html" in error_of(capsys, "curve", "digits", "--out", "a.txt")
    assert "does not exist" in error_of(capsys, "curve", "digits", "--out", "no/a.html")
    Path("mine.html").write_text("<p>mine</p>")
    assert "was not made by glassnet" in error_of(capsys, "curve", "digits", "--out", "mine.html")
    assert "only 1,438 rows" in error_of(capsys, "curve", "digits", "--sizes", "10", "100000")
    assert "seeds is 0" in error_of(capsys, "curve", "digits", "--seeds", "0")
    assert "--target" in error_of(capsys, "curve", prices() or "prices.csv")
    assert "no source" in error_of(capsys, "curve", "digitz")


def test_ctrl_c_writes_the_page_of_what_is_done():
    command = [sys.executable, "-m", "glassnet", "curve", "digits", "--seeds", "300", "--epochs", "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    told = threading.Event()
    said = []

    def listen():
        for line in process.stderr:
            said.append(line)
            if "trainings" in line:
                told.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert told.wait(60), said
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGINT)
    out = process.stdout.read()
    assert process.wait(30) == 130
    listener.join()
    process.stdout.close()
    process.stderr.close()
    assert "Interrupted:" in out
    assert "Traceback" not in "".join(said)
    assert Path("digits.curve.html").stat().st_size > 10_000
