// The openai package of Node as a client of `bitnet serve`: client.mjs ADDRESS.

import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Hi Grüße" },
];
const request = { model: "tiny", messages, max_tokens: 8, seed: 1 };

const ids = [];
for await (const model of client.models.list()) {
  ids.push(model.id);
}
assert.deepEqual(ids, ["tiny"]);

const whole = await client.chat.completions.create({ ...request, logprobs: true, top_logprobs: 2 });
assert.equal(whole.choices[0].finish_reason, "length");
assert.equal(whole.usage.completion_tokens, 8);
assert.equal(whole.choices[0].logprobs.content.length, 8);

let text = "";
let usage;
const stream = await client.chat.completions.create({
  ...request,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text, whole.choices[0].message.content);
assert.equal(usage.total_tokens, whole.usage.total_tokens);

const completion = await client.completions.create({
  model: "tiny",
  prompt: ["To be", "or not"],
  max_tokens: 3,
  n: 2,
  echo: true,
  logprobs: 1,
});
assert.deepEqual(completion.choices.map((choice) => choice.index), [0, 1, 2, 3]);
assert.ok(completion.choices[0].text.startsWith("To be"));
assert.equal(completion.choices[0].logprobs.token_logprobs[0], null);

const schema = {
  type: "object",
  properties: { sunny: { type: "boolean" } },
  required: ["sunny"],
  additionalProperties: false,
};
const structured = await client.chat.completions.create({
  model: "tiny",
  messages,
  max_tokens: 60,
  response_format: { type: "json_schema", json_schema: { name: "weather", schema } },
});
assert.equal(typeof JSON.parse(structured.choices[0].message.content).sunny, "boolean");

const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: {
        type: "object",
        properties: { city: { enum: ["Bern", "Oslo"] } },
        required: ["city"],
      },
    },
  },
];
const asked = { model: "tiny", messages, max_tokens: 200, tools, tool_choice: "required", seed: 4 };
const called = await client.chat.completions.create(asked);
const call = called.choices[0].message.tool_calls[0];
assert.equal(called.choices[0].finish_reason, "tool_calls");
assert.ok(["Bern", "Oslo"].includes(JSON.parse(call.function.arguments).city));
const final = await client.chat.completions.stream(asked).finalChatCompletion();
assert.equal(
  final.choices[0].message.tool_calls[0].function.arguments,
  call.function.arguments,
);

await assert.rejects(
  client.chat.completions.create({ ...request, temperature: 9 }),
  (error) =>
    error instanceof OpenAI.BadRequestError &&
    error.status === 400 &&
    error.param === "temperature",
);

// a client that goes away in the middle of a stream harms nobody
const left = await client.chat.completions.create({ ...request, max_tokens: 400, stream: true });
for await (const chunk of left) {
  assert.ok(chunk.id);
  left.controller.abort();
  break;
}
const again = await client.chat.completions.create(request);
assert.equal(again.choices[0].message.content, text);

console.log("ok");
