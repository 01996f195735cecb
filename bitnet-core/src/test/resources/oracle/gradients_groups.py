"""A tiny Qwen 3 with a weight scale for every 64 inputs, activations with a scale for each of these groups, ternary embedding and
head: its logits, loss and gradients by PyTorch's autograd, straight through both roundings. gradients_groups.py DIRECTORY"""
import json
import os
import sys

os.environ["TORCHDYNAMO_DISABLE"] = "1"
import torch
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM

GROUP = 64
out = sys.argv[1]
torch.manual_seed(7)
config = Qwen3Config(vocab_size=40, hidden_size=128, intermediate_size=192, num_hidden_layers=2, num_attention_heads=2,
                     num_key_value_heads=1, head_dim=64, max_position_embeddings=64, rms_norm_eps=1e-6, tie_word_embeddings=False,
                     rope_theta=10000.0, attention_bias=False, attn_implementation="eager")
model = Qwen3ForCausalLM(config).float().train()
with torch.no_grad():
    for name, p in model.named_parameters():
        p.copy_((torch.randn_like(p) * 0.08 if p.dim() == 2 else 0.7 + 0.6 * torch.rand_like(p)).bfloat16().float())
save_file({n: p.detach().bfloat16().contiguous() for n, p in model.named_parameters()}, f"{out}/model.safetensors", {"format": "pt"})
config.dtype = torch.bfloat16
config.save_pretrained(out)


def weights(w):
    g = w.reshape(w.shape[0], -1, GROUP)
    s = g.abs().double().mean(-1, keepdim=True).float().clamp(min=1e-5).half().float()
    q = (g / s).round().clamp(-1, 1) * s
    return w + (q.reshape(w.shape) - w).detach()


def activations(x):
    g = x.reshape(*x.shape[:-1], -1, GROUP)
    a = 127 / g.abs().amax(-1, keepdim=True).clamp(min=1e-5)
    return x + ((g * a).round().clamp(-128, 127) / a).reshape(x.shape).sub(x).detach()


for layer in model.model.layers:
    for module in layer.modules():
        if isinstance(module, torch.nn.Linear):
            module.forward = (lambda m: lambda x: torch.nn.functional.linear(activations(x), weights(m.weight)))(module)
embedding, head = model.model.embed_tokens, model.lm_head
embedding.forward = lambda ids: torch.nn.functional.embedding(ids, weights(embedding.weight))
head.forward = lambda x: torch.nn.functional.linear(x, weights(head.weight))

ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]])
logits = model(ids).logits
loss = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:])
loss.backward()
gradients = {n: {"norm": p.grad.norm().item(), "every_97th": p.grad.flatten()[::97].tolist()} for n, p in model.named_parameters()}
json.dump({"input_ids": ids.tolist(), "logits": logits.tolist(), "loss": loss.item(), "gradients": gradients}, open(f"{out}/expected.json", "w"))
