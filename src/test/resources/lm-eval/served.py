"""What lm-evaluation-harness says of a model that `bitnet serve` serves: served.py URL DIRECTORY-OF-THE-QUESTIONS, as JSON."""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
from lm_eval import simple_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.tasks.hellaswag.utils import process_docs

NAMES = ("acc", "acc_norm", "acc_bytes")
METRICS = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in NAMES]
url, questions = sys.argv[1:]


def task(name, **config):
    return ConfigurableTask(
        config={
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"validation": os.path.join(questions, name + ".jsonl")}},
            "validation_split": "validation",
            "output_type": "multiple_choice",
            "metric_list": METRICS,
            **config,
        }
    )


tasks = [
    task("hellaswag", process_docs=process_docs, doc_to_text="{{query}}", doc_to_target="{{label}}", doc_to_choice="choices"),
    task(
        "arc",
        doc_to_text="Question: {{question}}\nAnswer:",
        doc_to_target="{{choices.label.index(answerKey)}}",
        doc_to_choice="{{choices.text}}",
    ),
]
model = LocalCompletionsAPI(model="served", base_url=url + "/v1/completions", tokenizer_backend="remote", num_concurrent=4)
result = simple_evaluate(model=model, tasks=tasks, log_samples=True, bootstrap_iters=0)
made = {}
for name in ("hellaswag", "arc"):
    figures = {metric: result["results"][name][metric + ",none"] for metric in NAMES}
    samples = sorted(result["samples"][name], key=lambda sample: sample["doc_id"])
    figures["log_likelihoods"] = [[float(response[0][0]) for response in sample["resps"]] for sample in samples]
    made[name] = figures
print(json.dumps(made))
