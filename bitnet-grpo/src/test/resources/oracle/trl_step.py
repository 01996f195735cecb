"""One step of TRL's GRPOTrainer: trl_step.py POLICY REFERENCE STEP.json prints loss and gradients.

STEP.json: prompts, completions and old_logps of each rollout, rewards, group_size, temperature, beta, max_length and cases
of {loss_type, level}. Printed: {"cases": [{"loss": x, "gradients": {name: [...]}}]}.
"""
import json
import os
import sys
from collections import defaultdict
from inspect import unwrap
from types import MethodType, SimpleNamespace

os.environ["TORCHDYNAMO_DISABLE"] = "1"
import torch
from transformers import AutoModelForCausalLM
from trl.trainer.grpo_trainer import GRPOTrainer

policy = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
reference = AutoModelForCausalLM.from_pretrained(sys.argv[2], dtype=torch.float32).eval()
step = json.load(open(sys.argv[3]))
for parameter in policy.parameters():
    parameter.requires_grad_(True)


def padded(rows, value, left, dtype=torch.long):
    width = max(map(len, rows))
    return torch.tensor([[value] * (width - len(r)) + r if left else r + [value] * (width - len(r)) for r in rows], dtype=dtype)


def ones(rows):
    return [[1] * len(r) for r in rows]


prompts, completions = step["prompts"], step["completions"]
prompt_ids, prompt_mask = padded(prompts, 0, True), padded(ones(prompts), 0, True)
completion_ids, mask = padded(completions, 0, False), padded(ones(completions), 0, False)
rewards = torch.tensor(step["rewards"], dtype=torch.float32).view(-1, step["group_size"])
centred = rewards - rewards.mean(1, keepdim=True)


class Accelerator:
    num_processes = 1

    def gather(self, x):
        return x

    def reduce(self, x, reduction="sum"):
        return x


def trainer(case):
    stub = SimpleNamespace(
        temperature=step["temperature"], model_kwarg_keys=set(), aux_loss_enabled=False, top_entropy_quantile=1.0,
        off_policy_mask_threshold=None, importance_sampling_level=case["level"], beta=step["beta"], loss_type=case["loss_type"],
        epsilon_low=0.2, epsilon_high=0.2, use_vllm=False, vllm_importance_sampling_correction=False,
        current_gradient_accumulation_steps=1, max_completion_length=step["max_length"], accelerator=Accelerator(),
        model=SimpleNamespace(training=True), _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1), _entropy_bonus_enabled=False)
    stub._get_per_token_logps_and_entropies = MethodType(
        unwrap(GRPOTrainer._get_per_token_logps_and_entropies), stub)
    return stub


cases = []
for case in step["cases"]:
    stub = trainer(case)
    ids, attention = torch.cat([prompt_ids, completion_ids], 1), torch.cat([prompt_mask, mask], 1)
    with torch.no_grad():
        ref = stub._get_per_token_logps_and_entropies(reference, ids, attention, completion_ids.size(1))[0]
    # Dr. GRPO is without the standard deviation
    advantages = centred if case["loss_type"] == "dr_grpo" else centred / (rewards.std(1, keepdim=True) + 1e-4)
    policy.zero_grad()
    loss = unwrap(GRPOTrainer._compute_loss)(stub, policy, dict(
        prompt_ids=prompt_ids, prompt_mask=prompt_mask, completion_ids=completion_ids, completion_mask=mask,
        advantages=advantages.flatten(), old_per_token_logps=padded(step["old_logps"], 0.0, False, torch.float32),
        ref_per_token_logps=ref, num_items_in_batch=mask.sum()))
    loss.backward()
    cases.append({"loss": float(loss.detach()),
                  "gradients": {n: p.grad.flatten().tolist() for n, p in policy.named_parameters() if p.grad is not None}})
print(json.dumps({"cases": cases}))
