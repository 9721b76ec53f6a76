"""`glassnet info`: what is in a model file."""

from __future__ import annotations

from glassnet.cli.console import say, say_json
from glassnet.cli.options import Json, ModelPath
from glassnet.data import Encoder
from glassnet.files import load_model


def info(model: ModelPath, /, *, json: Json = False) -> None:
    """Tell what is in a model file: the network, what it reads and predicts, and where it came from."""
    opened = load_model(model)
    net, origin = opened.network, opened.provenance
    if json:
        say_json(
            {
                "model": str(model),
                "network": net.to_dict(),
                "parameters": net.layout.parameters,
                "multiplications": net.multiplications,
                "loss": opened.loss,
                "encoder": opened.encoder,
                "provenance": origin,
            }
        )
        return
    say(str(net))
    say()
    say(f"Loss:       {opened.loss or 'not recorded'}")
    say(f"Work:       {net.multiplications:,} multiply-adds for one row forward, about three times that to train on it")
    if opened.encoder is not None:
        encoder = Encoder.from_dict(opened.encoder)
        shown = ", ".join(encoder.columns[:6]) + (", …" if len(encoder.columns) > 6 else "")
        say(f"Reads:      {len(encoder.columns)} columns: {shown}")
        answers = f"one of {', '.join(encoder.classes)}" if encoder.classes else "a number"
        say(f"Predicts:   {encoder.target or 'target'}, {answers}")
    if origin:
        data = origin["data"]
        say(f"Data:       {data['source']}, {data['rows']:,} rows, {data['fingerprint'][:19]}…")
        held_out = origin["results"]["validation"]
        say("Held out:   " + ", ".join(f"{name} {value:.4g}" for name, value in held_out.items() if value is not None))
        say(f"Made by:    {' '.join(origin['command'])}  (glassnet {origin['glassnet']})")
