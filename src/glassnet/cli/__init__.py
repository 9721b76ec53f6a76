"""The command line: one file per command. It asks the rooms below and prints; it knows no mathematics.

A command's module is imported when the command is called, so `glassnet --help` loads no arrays.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from cyclopts import App
from cyclopts.exceptions import CycloptsError

import glassnet
from glassnet.cli.console import fail, notes_as_sentences, prepare_streams
from glassnet.errors import GlassnetError

app = App(
    name="glassnet",
    version=glassnet.__version__,
    help="Train feed-forward networks by backpropagation, and see through every step.",
    help_epilogue="Start with: glassnet train digits",
    suppress_keyboard_interrupt=False,
)
app.command("glassnet.cli.train:train", name="train", help="Train a network on a table or images and save it.")
app.command("glassnet.cli.predict:predict", name="predict", help="Predict rows with a saved network.")
app.command("glassnet.cli.evaluate:evaluate", name="evaluate", help="Tell how good a saved network is on rows.")
app.command("glassnet.cli.check:check", name="check", help="Check a saved network's gradient against nudged weights.")
app.command("glassnet.cli.info:info", name="info", help="Tell what is in a model file.")
app.command("glassnet.cli.explain:explain", name="explain", help="Write out how one weight's derivative comes about.")
app.command("glassnet.cli.blame:blame", name="blame", help="Tell which training rows are probably mislabelled.")
app.command("glassnet.cli.influence:influence", name="influence", help="Tell which training rows made a prediction.")
app.command("glassnet.cli.why:why", name="why", help="Tell why a weight moved: which rows and what else pushed it.")
app.command("glassnet.cli.diff:diff", name="diff", help="Tell at which step and weight two runs part.")
app.command("glassnet.cli.doctor:doctor", name="doctor", help="Tell what ails a training, and the cure.")
app.command("glassnet.cli.noise:noise", name="noise", help="Tell how noisy gradients are, and what batch suits that.")
app.command("glassnet.cli.curvature:curvature", name="curvature", help="Tell how the error bends around the weights.")
app.command("glassnet.cli.look:look", name="look", help="Draw a network, and blame flowing back through it.")
app.command("glassnet.cli.landscape:landscape", name="landscape", help="Picture the error around the trained weights.")
app.command("glassnet.cli.features:features", name="features", help="Show what hidden units have learned to see.")
app.command("glassnet.cli.curve:curve", name="curve", help="Tell what more training rows would bring.")
app.command("glassnet.cli.sensitivity:sensitivity", name="sensitivity", help="Rank weights and inputs by their effect.")
app.command("glassnet.cli.race:race", name="race", help="Let backpropagation race every other way to set weights.")
app.command("glassnet.cli.worksheet:worksheet", name="worksheet", help="Set an exercise for pen and paper, solved.")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for a check that fails, 2 for an error, 130 for Ctrl-C."""
    prepare_streams()
    with notes_as_sentences():
        try:
            result = app(
                list(sys.argv[1:] if arguments is None else arguments),
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
            sys.stdout.flush()
        except CycloptsError as error:
            return fail(f"{str(error).strip()} See glassnet --help.")
        except GlassnetError as error:
            return fail(str(error))
        except MemoryError as error:
            return fail(f"Not enough memory: {error or 'the data or the network is too large for this machine'}.")
        except KeyboardInterrupt:
            return fail("Interrupted.", code=130)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:  # a full disk behind standard output, say
            return fail(f"{error.filename or 'output'}: {error.strerror or error}.")
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run as the program `glassnet`."""
    sys.exit(run())
