"""Makes the questions and what lm-evaluation-harness says of a model on them: make.py DIRECTORY-OF-THE-MODEL.

The model is written-by-0.1.0/ce as transformers reads it:
bitnet convert --from ../written-by-0.1.0/ce --to DIRECTORY --format hf-bitlinear
"""
import json
import os
import random
import sys
from importlib.metadata import version

os.environ["TORCHDYNAMO_DISABLE"] = "1"
import torch
from lm_eval import simple_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks.hellaswag.utils import process_docs
from transformers import AutoModelForCausalLM, AutoTokenizer

WORDS = (
    "the a man woman river café naïve über straße Zürich señor 東京 日本語 大阪 крот Ελλάδα όσος 😀 🏔️ e\u0301te\u0301 "
    "runs walks sings [step] [title] [header] \u00a0 ß ﬁne ǆur İzmir -- 3,000 œuvre \u2028 mountain snow in on with and"
).split(" ")
METRICS = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm", "acc_bytes")]


def phrase(draw, low, high):
    while True:
        text = " ".join(draw.choice(WORDS) for _ in range(draw.randint(low, high)))
        if text.replace("[step]", "").replace("[title]", "").replace("[header]", "").strip():
            return text


def hellaswag(draw):
    return {
        "activity_label": phrase(draw, 1, 2),
        "ctx_a": phrase(draw, 2, 6),
        "ctx_b": draw.choice(["", phrase(draw, 1, 3), "[step]"]),
        "endings": [phrase(draw, 1, 7) for _ in range(4)],
        "label": str(draw.randrange(4)),
    }


def arc(draw):
    count = draw.choice([3, 4, 4, 5])
    labels = draw.choice(["ABCDE", "12345"])[:count]
    return {
        "question": phrase(draw, 2, 6) + draw.choice(["?", "? ", ""]),
        "choices": {"text": [phrase(draw, 1, 6) for _ in range(count)], "label": list(labels)},
        "answerKey": draw.choice(labels),
    }


def write(name, make, count, seed):
    draw = random.Random(seed)
    with open(name, "w", encoding="utf-8") as file:
        for _ in range(count):
            file.write(json.dumps(make(draw), ensure_ascii=False) + "\n")


def task(name, **config):
    # config as in lm_eval/tasks/hellaswag/hellaswag.yaml and arc/arc_easy.yaml, but for the files
    return ConfigurableTask(
        config={
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"validation": os.path.abspath(name + ".jsonl")}},
            "validation_split": "validation",
            "output_type": "multiple_choice",
            "metric_list": METRICS,
            **config,
        }
    )


write("hellaswag.jsonl", hellaswag, 60, 1)
write("arc.jsonl", arc, 60, 2)
directory = sys.argv[1]
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
# the vocabulary of bytes has no token that begins a text; no text here is empty, so none is used
language_model = HFLM(pretrained=model, tokenizer=AutoTokenizer.from_pretrained(directory), batch_size=1, prefix_token_id=0)
tasks = [
    task("hellaswag", process_docs=process_docs, doc_to_text="{{query}}", doc_to_target="{{label}}", doc_to_choice="choices"),
    task(
        "arc",
        doc_to_text="Question: {{question}}\nAnswer:",
        doc_to_target="{{choices.label.index(answerKey)}}",
        doc_to_choice="{{choices.text}}",
    ),
]
result = simple_evaluate(model=language_model, tasks=tasks, log_samples=True, bootstrap_iters=0)
made = {"source": "lm-evaluation-harness " + version("lm_eval"), "tasks": {}}
for name in ("hellaswag", "arc"):
    figures = {metric["metric"]: result["results"][name][metric["metric"] + ",none"] for metric in METRICS}
    samples = sorted(result["samples"][name], key=lambda sample: sample["doc_id"])
    figures["log_likelihoods"] = [[float(response[0][0]) for response in sample["resps"]] for sample in samples]
    made["tasks"][name] = figures
with open("expected.json", "w", encoding="utf-8") as file:
    json.dump(made, file, indent=1)
    file.write("\n")
