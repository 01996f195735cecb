"""Writes the Parquet files of this directory with pyarrow, and their rows as rows.jsonl.

Usage: python make.py
"""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))


def row(i):
    """Texts that repeat and that do not, nulls, and lists in lists and in groups."""
    return {
        "query": f"What is {i} + {i % 7}?",
        "answer": str(i + i % 7),
        "reasoning": None if i % 3 == 0 else "carry " * (i % 5) + "\u00fc\u20ac\U0001f600\n",
        "level": i % 5 + 1,
        "big": None if i % 4 == 1 else (1 << 40) + i,
        "score": i / 8,
        "right": None if i % 6 == 5 else i % 2 == 0,
        "tags": None if i % 5 == 4 else [None if j == 1 else f"t{j}" for j in range(i % 4)],
        "grid": [[j, None] if j % 2 else [] for j in range(i % 3)],
        "choices": None if i % 9 == 8 else {"text": ["a", f"b{i}"], "label": ["A", "B"]},
        "steps": [{"text": f"s{j}", "count": j if j else None} for j in range(i % 3)],
    }


TYPE = pa.schema(
    [
        ("query", pa.string()),
        ("answer", pa.string()),
        ("reasoning", pa.string()),
        ("level", pa.int32()),
        ("big", pa.int64()),
        ("score", pa.float64()),
        ("right", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("grid", pa.list_(pa.list_(pa.int64()))),
        ("choices", pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])),
        ("steps", pa.list_(pa.struct([("text", pa.string()), ("count", pa.int32())]))),
    ]
)

FILES = {
    "plain": {"compression": "none", "use_dictionary": False},
    "dictionary": {"compression": "none"},
    "snappy": {"compression": "snappy"},
    "gzip": {"compression": "gzip"},
    "zstd": {"compression": "zstd"},
    "zstd-v2": {"compression": "zstd", "data_page_version": "2.0"},
    "groups": {"compression": "snappy", "row_group_size": 7, "data_page_size": 64},
    "delta": {
        "compression": "zstd",
        "use_dictionary": False,
        "column_encoding": {
            "query": "DELTA_BYTE_ARRAY",
            "answer": "DELTA_LENGTH_BYTE_ARRAY",
            "level": "DELTA_BINARY_PACKED",
            "score": "BYTE_STREAM_SPLIT",
        },
    },
    "large-string": {"compression": "snappy"},
}


def main():
    rows = [row(i) for i in range(24)]
    with open(os.path.join(HERE, "rows.jsonl"), "w", encoding="utf-8") as out:
        for each in rows:
            out.write(json.dumps(each, ensure_ascii=False) + "\n")
    table = pa.Table.from_pylist(rows, schema=TYPE)
    for name, options in FILES.items():
        content = table
        if name == "large-string":
            large = [
                field.with_type(pa.large_string()) if field.type == pa.string() else field
                for field in TYPE
            ]
            content = table.cast(pa.schema(large))
        pq.write_table(content, os.path.join(HERE, name + ".parquet"), **options)
    flat = table.select(["query", "answer", "reasoning", "level", "right"])
    path = os.path.join(HERE, "flat.parquet")
    pq.write_table(flat, path, row_group_size=17, data_page_size=32, write_batch_size=2)


main()
