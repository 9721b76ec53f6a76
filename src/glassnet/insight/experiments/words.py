"""What the experiments found, in sentences and tables."""

from __future__ import annotations

import statistics

from glassnet.insight.documents import Block, Document, Heading, Paragraph, Table
from glassnet.insight.experiments import family_trees as trees
from glassnet.insight.experiments import symmetry as mirror
from glassnet.insight.experiments.family_data import ATTRIBUTES, ENGLISH, ITALIAN


def share(count: int, of: int) -> str:
    """Return a count with its share: "15 of 20 (75 %)"."""
    return f"{count} of {of} ({100 * count / of:.0f} %)"


def signed(value: float) -> str:
    """Return a weight with its sign and two decimals."""
    return f"{value:+.2f}".replace("-", "−")


def which(seed: int, chosen: bool) -> str:
    """Return how the shown start was chosen."""
    return f"seed {seed}, as asked" if chosen else f"seed {seed}, the start with the median error at the end"


# --- symmetry ----------------------------------------------------------------------------------------------------


def tell_symmetry(found: mirror.Symmetry) -> Document:
    """Return the symmetry experiment as a document."""
    n, run = len(found.runs), found.shown
    sweeps = sorted(r.sweeps for r in found.runs if r.sweeps is not None)
    took = (
        f"Starts that got there took {sweeps[0]:,} to {sweeps[-1]:,} sweeps, {statistics.median(sweeps):,.0f} in the "
        f"middle; {share(found.solved_as_published, n)} had arrived within the 1,425 sweeps that the paper reports."
        if sweeps
        else "No start got there."
    )
    blocks: list[Block] = [
        Paragraph(
            "Six bits go in; the network is to say whether they read the same from both sides. No single bit tells, so "
            "hidden units must find out what to look for. Rumelhart, Hinton and Williams showed one network that did "
            "(Nature 323, 1986, figure 1)."
        ),
        Heading("How often it was found"),
        Table(
            ("found, of all starts", "starts"),
            tuple((words, share(found.count(name), n)) for name, words in mirror.FINDINGS.items()),
        ),
        Paragraph(
            "Equal and opposite: the two weights of a pair add up to at most 5 % of the unit's largest weight, in both "
            "hidden units. Ratios: each within 5 %, in some order of the pairs. Off: an activity below 0.2. Everything "
            f"but the first line counts only where all 64 patterns are right. {took}"
        ),
        Paragraph(
            "Why 1:2:4: a bit adds its weight, its mirror image takes as much away. With three different sizes of "
            "which no two add up to the third, only a symmetric pattern leaves nothing over, and the negative bias "
            "then keeps both units off. Other sizes do as well, such as 2:3:4."
        ),
        Heading(f"The weights of {which(run.seed, found.chosen)}"),
        _weights_of_symmetry(run),
        Paragraph(_says_of_symmetry(run)),
        Heading("How it was trained"),
        Paragraph(
            f"As in the paper: {mirror.RATE} for ε, {mirror.MOMENTUM} for α, all 64 patterns summed in every sweep, "
            f"squared error, initial weights and biases within ±{mirror.SPREAD}. Different: every start was given "
            f"{mirror.SWEEPS:,} sweeps. Seeds 0 to {n - 1}, none left out."
        ),
    ]
    return Document("Mirror symmetry, 1986", tuple(blocks))


def _weights_of_symmetry(run: mirror.SymmetryRun) -> Table:
    header = ("hidden unit", *(f"bit {j + 1}" for j in range(6)), "bias", "to output")
    w, b, v = run.network.weights[0], run.network.biases[0], run.network.weights[1]
    rows = tuple((str(i + 1), *(signed(w[j, i]) for j in range(6)), signed(b[i]), signed(v[i, 0])) for i in range(2))
    return Table(header, rows)


def _ratio(run: mirror.SymmetryRun, unit: int) -> str:
    return ":".join(f"{ratio:.2f}" for ratio in run.ratios[unit])


def symmetry_starts(found: mirror.Symmetry) -> Table:
    """Return a line for each start."""
    rows = tuple(
        (
            str(run.seed),
            str(run.right),
            "never" if run.sweeps is None else f"{run.sweeps:,}",
            f"{100 * run.mirror.max():.2g} %",
            _ratio(run, 0),
            _ratio(run, 1),
        )
        for run in found.runs
    )
    return Table(("seed", "right of 64", "sweeps", "off the mirror", "ratios of unit 1", "of unit 2"), rows)


def _says_of_symmetry(run: mirror.SymmetryRun) -> str:
    if not run.solved:
        return f"This start did not get there: {run.right} of 64 patterns are right."
    sizes = "; ".join(
        f"unit {i + 1} is off the mirror by {100 * run.mirror[i]:.2g} % of its largest weight, its pairs are as "
        + _ratio(run, i)
        for i in range(2)
    )
    return (
        f"All 64 patterns are right. {sizes[0].upper()}{sizes[1:]}. On symmetric patterns no hidden unit is above "
        f"{run.at_symmetry:.2f}. The output's bias is {signed(run.network.biases[1][0])}."
    )


# --- family trees ------------------------------------------------------------------------------------------------


def tell_family_trees(found: trees.FamilyTrees) -> Document:
    """Return the family-tree experiment as a document."""
    n, run, used, printed = len(found.runs), found.shown, trees.USED, trees.PRINTED
    held = sum(r.held_out_right for r in found.runs)
    counts = [sum(r.held_out_right == k for r in found.runs) for k in range(trees.HELD_OUT + 1)]
    first = sum((r.twin_ranks == 1).mean() for r in found.runs) / n
    place = sum(r.twin_ranks.mean() for r in found.runs) / n
    learned = sum(r.trained_right for r in found.as_printed) / n
    blocks: list[Block] = [
        Paragraph(
            "Two families of twelve, English and Italian, have trees of the same shape. The network is given a person "
            "and a relation, such as Colin and aunt, and is to name the people: 104 questions, of which it learns 100. "
            "Neither inputs nor answers say who is Italian, or old, or of which branch (Rumelhart, Hinton and "
            "Williams, Nature 323, 1986, figures 2 to 4)."
        ),
        Heading("What the six person units encode"),
        Table(
            ("attribute", "starts with a unit for it"),
            (
                *((a.name, share(found.count(k), n)) for k, a in enumerate(ATTRIBUTES[:3])),
                ("all three of them", share(found.found_all, n)),
                ("sex, for comparison", share(found.count(3), n)),
            ),
        ),
        Paragraph(
            "A unit encodes an attribute if the attribute explains more than half of the variance of the unit's "
            "incoming weights over the people. With weights drawn at random, less than one network of a hundred "
            "would have such a unit for a given attribute. "
            + " ".join(f"{a.name.capitalize()}: {a.says}." for a in ATTRIBUTES)
        ),
        Heading("Questions it never saw"),
        Paragraph(
            f"Right on {share(held, trees.HELD_OUT * n)} of the held-out questions, with other questions held out for "
            "each start: right means that all 24 outputs are on the right side of 0.5. The paper reports 4 of 4 for "
            f"its one network. On the 100 it learned from, {sum(r.trained_right for r in found.runs) / n:.1f} are "
            "right on average."
        ),
        Table(("of 4 held-out questions", "starts"), tuple((f"{k} right", str(c)) for k, c in enumerate(counts))),
        Heading("English people and their Italian counterparts"),
        Paragraph(
            "The code of a person is the activity of the six person units. Of the 12 Italians, the one in the same "
            f"place of the tree has the most similar code for {100 * first:.0f} % of the English (by chance 8 %); on "
            f"average it comes in place {place:.1f} (by chance 6.5). Similar is the cosine of codes about their mean."
        ),
        Heading(f"The person units of {which(run.seed, found.chosen)}"),
        _units(run),
        Paragraph(
            f"Right on {run.trained_right} of the 100 and on {run.held_out_right} of the 4 held-out questions: "
            + ", ".join(f"{person}'s {relation}" for person, relation in run.held_out)
            + "."
        ),
        Heading("How it was trained"),
        Paragraph(
            "As in the paper: 24 people and 12 relations each feed 6 units of their own, then 12, 6 and 24 units; all "
            f"100 questions summed in every sweep; α = 0.5 and half the rate in the first 20 sweeps, then α = 0.9; "
            f"weights shrink by {100 * used.decay:.1f} % at each change; no error where an output is within 0.2 of "
            f"its target. Different: ε is {used.rate} in place of {printed.rate}, initial weights are within "
            f"±{used.spread:g} in place of ±{printed.spread:g}, and there are {used.sweeps:,} sweeps in place of "
            f"{printed.sweeps:,}; these were chosen on seeds 20 to 43. With the printed settings the same starts get "
            f"{learned:.1f} of the 100 right. Seeds 0 to {n - 1}, none left out."
        ),
    ]
    return Document("Family trees, 1986", tuple(blocks))


def _units(run: trees.FamilyRun) -> Table:
    header = ("unit", "encodes", *(f"{a.name} %" for a in ATTRIBUTES))
    rows = tuple(
        (str(u + 1), run.role(u) or "a mixture", *(f"{100 * run.explained[u, k]:.0f}" for k in range(len(ATTRIBUTES))))
        for u in range(6)
    )
    return Table(header, rows, words=2)


def family_starts(found: trees.FamilyTrees) -> Table:
    """Return a line for each start."""
    rows = tuple(
        (
            str(run.seed),
            str(run.trained_right),
            str(run.held_out_right),
            *(f"{100 * run.explained[:, k].max():.0f}" for k in range(len(ATTRIBUTES))),
            f"{run.twin_ranks.mean():.1f}",
        )
        for run in found.runs
    )
    best = (f"{a.name} %" for a in ATTRIBUTES)
    return Table(("seed", "right of 100", "held out, of 4", *best, "place of counterpart"), rows)


def weights_table(run: trees.FamilyRun) -> Table:
    """Return the person units' incoming weights, a line for each pair of people."""
    w = trees.person_weights(run.network)
    header = ("person", *(f"unit {u + 1}" for u in range(6)))
    people = (*ENGLISH, *ITALIAN)
    return Table(header, tuple((people[j], *(signed(w[j, u]) for u in range(6))) for j in range(24)))
