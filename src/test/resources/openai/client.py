"""The openai package as a client of `bitnet serve`: client.py ADDRESS."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", timeout=60, max_retries=0)
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi Grüße"}]

assert [model.id for model in client.models.list()] == ["tiny"]
assert client.models.retrieve("tiny").object == "model"

whole = client.chat.completions.create(
    model="tiny", messages=messages, max_tokens=8, seed=1, logprobs=True, top_logprobs=2)
assert whole.choices[0].finish_reason == "length", whole
assert whole.usage.completion_tokens == 8, whole
assert len(whole.choices[0].logprobs.content) == 8, whole
assert len(whole.choices[0].logprobs.content[0].top_logprobs) == 2, whole

text, usage = "", None
for chunk in client.chat.completions.create(
        model="tiny", messages=messages, max_tokens=8, seed=1, stream=True,
        stream_options={"include_usage": True}):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    else:
        usage = chunk.usage
assert text == whole.choices[0].message.content, (text, whole)
assert usage.total_tokens == whole.usage.total_tokens, usage

again = client.chat.completions.create(model="tiny", messages=messages, max_tokens=8, seed=1)
assert again.choices[0].message.content == text, again
assert again.usage.prompt_tokens_details.cached_tokens > 0, again

completion = client.completions.create(
    model="tiny", prompt=["To be", "or not"], max_tokens=3, n=2, echo=True, logprobs=1, seed=2)
assert [choice.index for choice in completion.choices] == [0, 1, 2, 3], completion
assert all(choice.text.startswith(("To be", "or not")) for choice in completion.choices)
assert completion.choices[0].logprobs.token_logprobs[0] is None, completion

streamed = ["", "", "", ""]
for chunk in client.completions.create(
        model="tiny", prompt=["To be", "or not"], max_tokens=3, n=2, seed=2, stream=True):
    for choice in chunk.choices:
        streamed[choice.index] += choice.text
for choice in completion.choices:
    assert choice.text.endswith(streamed[choice.index]), (choice, streamed)

banned = client.completions.create(
    model="tiny", prompt="To be", max_tokens=5, temperature=0, logit_bias={"65": 100},
    frequency_penalty=0.5, presence_penalty=0.5, logprobs=1)
assert len(set(banned.choices[0].logprobs.tokens)) == 1, banned

schema = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"],
          "additionalProperties": False}
structured = client.chat.completions.create(
    model="tiny", messages=messages, max_tokens=60,
    response_format={"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}})
assert isinstance(json.loads(structured.choices[0].message.content)["sunny"], bool), structured

tools = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"enum": ["Bern", "Oslo"]}}, "required": ["city"]}}}]
called = client.chat.completions.create(
    model="tiny", messages=messages, max_tokens=200, tools=tools, tool_choice="required", seed=4)
call = called.choices[0].message.tool_calls[0]
assert called.choices[0].finish_reason == "tool_calls", called
assert json.loads(call.function.arguments)["city"] in ("Bern", "Oslo"), called
with client.chat.completions.stream(
        model="tiny", messages=messages, max_tokens=200, tools=tools, tool_choice="required",
        seed=4) as events:
    final = events.get_final_completion()
assert final.choices[0].message.tool_calls[0].function.arguments == call.function.arguments, final
answered = client.chat.completions.create(
    model="tiny", max_tokens=4, tools=tools,
    messages=messages + [called.choices[0].message.model_dump(exclude_none=True),
                         {"role": "tool", "tool_call_id": call.id, "content": "sunny"}])
assert answered.usage.prompt_tokens > called.usage.prompt_tokens, answered

for status, kind, wrong in [
        (400, openai.BadRequestError, {"messages": messages, "temperature": 9}),
        (400, openai.BadRequestError, {"messages": []}),
        (400, openai.BadRequestError, {"messages": messages, "top_logprobs": 3})]:
    try:
        client.chat.completions.create(model="tiny", **wrong)
        raise SystemExit("was accepted: %s" % wrong)
    except kind as refused:
        assert refused.status_code == status, refused
        assert refused.param in wrong, refused
try:
    client.embeddings.create(model="tiny", input="x")
    raise SystemExit("embeddings were served")
except openai.NotFoundError as refused:
    assert refused.status_code == 404

print("ok")
