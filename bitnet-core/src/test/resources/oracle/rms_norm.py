"""Golden values of transformers for use_rms_norm: rms_norm.py OUT [seed]

OUT/rms-norm-bitlinear      LlamaForCausalLM, packed, linear_class bitlinear
OUT/rms-norm-autobitlinear  BitNetForCausalLM with sub-norms, relu2 and a tied head, packed, linear_class autobitlinear
OUT/rms-norm-online         LlamaForCausalLM, latent weights; with grads.safetensors of the mean cross-entropy of input_ids
   each with expected.json: input_ids [batch, seq], logits [batch, seq, vocab] in float32, greedy [16 ids after input_ids[0]]
"""
import json
import os
import sys

os.environ["TORCHDYNAMO_DISABLE"] = "1"
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import BitNetConfig, BitNetForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.integrations.bitnet import pack_weights

out = sys.argv[1]
random = torch.Generator().manual_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
SIZES = dict(vocab_size=61, hidden_size=64, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             rms_norm_eps=1e-5, max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def normal(shape, deviation):
    return torch.randn(shape, generator=random) * deviation


def weights(cls, config, linear_class, mode):
    for name, value in cls(config).state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if not any(name.endswith(f"{linear}.weight") for linear in LINEARS):
            yield name, 1 + normal(value.shape, 0.3) if value.dim() == 1 else normal(value.shape, 0.5)
            continue
        w = normal(value.shape, 0.2)
        scale = w.abs().mean()
        if mode == "online":
            yield name, w
        else:
            yield name, pack_weights((w / scale).round().clamp(-1, 1))
            yield name + "_scale", (1 / scale if linear_class == "bitlinear" else scale).reshape(1)
        yield name.replace("weight", "rms_norm.weight"), 1 + normal(value.shape[1], 0.3)


def case(name, cls, config, linear_class, mode):
    folder = f"{out}/{name}"
    os.makedirs(folder, exist_ok=True)
    save_file({key: value.contiguous() for key, value in weights(cls, config, linear_class, mode)}, f"{folder}/model.safetensors",
              metadata={"format": "pt"})
    # an epsilon unlike the model's, and large enough to show
    quantization = {"quant_method": "bitnet", "linear_class": linear_class, "quantization_mode": mode, "modules_to_not_convert": ["lm_head"],
                    "use_rms_norm": True, "rms_norm_eps": 0.01}
    with open(f"{folder}/config.json", "w") as file:
        json.dump({**config.to_dict(), "architectures": [cls.__name__], "dtype": "float32", "quantization_config": quantization}, file)
    model = cls.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.randint(0, config.vocab_size, (2, 12), generator=random)
    with torch.no_grad():
        logits = model(ids).logits
        greedy = ids[:1]
        for _ in range(16):
            greedy = torch.cat([greedy, model(greedy, use_cache=False).logits[:, -1:].argmax(-1)], 1)
    expected = {"input_ids": ids.tolist(), "logits": logits.tolist(), "greedy": greedy[0, ids.shape[1]:].tolist()}
    if mode == "online":
        loss = F.cross_entropy(model(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        expected["loss"] = float(loss.detach())
        save_file({key: value.grad for key, value in model.named_parameters()}, f"{folder}/grads.safetensors", metadata={"format": "pt"})
    with open(f"{folder}/expected.json", "w") as file:
        json.dump(expected, file)
    layer = model.model.layers[0].self_attn.q_proj
    print(name, type(layer).__name__, layer.rms_norm, float(logits.std()))


case("rms-norm-bitlinear", LlamaForCausalLM, LlamaConfig(**SIZES, rope_theta=10000.0, tie_word_embeddings=False), "bitlinear", "offline")
case("rms-norm-autobitlinear", BitNetForCausalLM, BitNetConfig(**SIZES, rope_theta=500000.0, tie_word_embeddings=True), "autobitlinear",
     "offline")
case("rms-norm-online", LlamaForCausalLM, LlamaConfig(**SIZES, rope_theta=10000.0, tie_word_embeddings=False), "autobitlinear", "online")
