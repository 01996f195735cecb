"""Gradients of transformers' dense Qwen models, for FamilyTest: python gradients_families.py FIXTURES

Writes DIR/gradients.json next to each expected.json: of the mean cross-entropy of the first
sequence, in float32, the 2-norm and every 97th entry of each tensor's gradient.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

for name in ("qwen3-yarn", "qwen2-bias"):
    directory = pathlib.Path(sys.argv[1]) / name
    ids = json.loads((directory / "expected.json").read_text())["input_ids"][0]
    model = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager")
    tokens = torch.tensor([ids])
    logits = model(input_ids=tokens[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits[0], tokens[0, 1:])
    loss.backward()
    gradients = {
        key: {"norm": value.grad.norm().item(), "every_97th": value.grad.flatten()[::97].tolist()}
        for key, value in model.named_parameters()}
    (directory / "gradients.json").write_text(
        json.dumps({"loss": loss.item(), "gradients": gradients}) + "\n")
