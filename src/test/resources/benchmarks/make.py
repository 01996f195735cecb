"""Writes small datasets with the files, fields and types of published ones.

Usage: python make.py
"""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))


def jsonl(path, rows):
    path = os.path.join(HERE, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def parquet(path, rows):
    path = os.path.join(HERE, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def sums(first, count):
    return [
        {"question": f"What is {i} plus {i + 1}?", "answer": f"Add {i} and {i + 1}.\n#### {2 * i + 1}"}
        for i in range(first, first + count)
    ]


def problems(subject, first, count):
    return [
        {
            "problem": f"Find ${i}^2$.",
            "level": "Level 1",
            "type": subject,
            "solution": f"It is $\\boxed{{{i * i}}}$.",
        }
        for i in range(first, first + count)
    ]


def main():
    for split, first in (("test", 0), ("train", 100)):
        parquet(f"gsm8k/main/{split}-00000-of-00001.parquet", sums(first, 6))
        parquet(f"gsm8k/socratic/{split}-00000-of-00001.parquet", sums(first + 50, 6))
        for subject, more in (("algebra", 0), ("geometry", 10)):
            rows = problems(subject, first + more, 3)
            parquet(f"hendrycks_math/{subject}/{split}-00000-of-00001.parquet", rows)
    jsonl("local/gsm8k.jsonl", sums(0, 6))
    jsonl("local/math.jsonl", problems("algebra", 0, 3) + problems("geometry", 10, 3))
    jsonl(
        "MATH-500/test.jsonl",
        [
            {
                "problem": row["problem"],
                "solution": row["solution"],
                "answer": str(i * i),
                "subject": "Algebra",
                "level": 1,
                "unique_id": f"test/algebra/{i}.json",
            }
            for i, row in enumerate(problems("Algebra", 0, 4))
        ],
    )
    jsonl("minervamath/test.jsonl", [{"question": "How heavy?", "answer": "4e33"}])
    jsonl(
        "olympiadbench/test.jsonl",
        [
            {
                "id": 1,
                "question": "Which?",
                "solution": ["a", "b"],
                "final_answer": ["2", "3"],
                "context": None,
                "modality": "Text-only",
            }
        ],
    )


main()
