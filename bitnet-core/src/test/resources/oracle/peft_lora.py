"""What PEFT computes with an adapter on a model of transformers.

peft_lora.py MODEL ADAPTER '[ids]': loads the adapter, or makes one where the directory does not exist, and prints
{"logits": [[...]], "loss": mean next-token cross-entropy, "gradients": {name: [...]}}.
"""
import json
import os
import sys

os.environ["TORCHDYNAMO_DISABLE"] = "1"
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
if os.path.exists(sys.argv[2]):
    model = PeftModel.from_pretrained(model, sys.argv[2], is_trainable=True)
else:
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"], use_rslora=True)
    model = get_peft_model(model, config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(sys.argv[2])
model.eval()
ids = torch.tensor([json.loads(sys.argv[3])])
logits = model(ids).logits[0]
loss = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:])
loss.backward()
gradients = {
    name.replace(".default", "").replace("modules_to_save.", ""): parameter.grad.flatten().tolist()
    for name, parameter in model.named_parameters()
    if parameter.grad is not None
}
print(json.dumps({"logits": logits.tolist(), "loss": loss.item(), "gradients": gradients}))
