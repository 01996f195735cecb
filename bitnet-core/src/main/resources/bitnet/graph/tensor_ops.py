# Tensor functions that DJL's NDArray lacks, one TorchScript function each, called through TorchOps.
# Every number is a Python scalar in here, so none of DJL's in-graph scalars is needed, and every
# gradient is written out: nothing of this is recorded by autograd. Gradients of parameters are added to;
# one without elements is that of a frozen parameter and stays so.
#
# Shapes: tokens = batch * seq. mode: 0 fp32 products, 1 bf16 products, 2 bf16 operands multiplied
# in fp32 (for processors that have no bf16 instructions). dtype numbers: 6 fp32, 7 fp64, 15 bf16.

def operand(self, x: Tensor, mode: int) -> Tensor:
  if mode == 1:
    return x.to(15)
  if mode == 2:
    return x.to(15).to(6)
  return x

# x + sharpness * (rounded - x): quantization that sets in slowly, for models that were trained without.
def soften(self, x: Tensor, rounded: Tensor, sharpness: float) -> Tensor:
  if sharpness < 1.0:
    return torch.lerp(x, rounded, sharpness)
  return rounded

# Absmean, BitNet b1.58: s = max(mean|W|, 1e-5), T = clamp(round(W / s), -1, 1), one s per block of rows.
def ternarize(self, latent: Tensor, blocks: List[int], sharpness: float, trits: Tensor, scale: Tensor) -> List[Tensor]:
  row = 0
  for i in range(len(blocks)):
    w = torch.narrow(latent, 0, row, blocks[i])
    s = torch.clamp_min(torch.mean(torch.abs(w), dtype=7).to(6), 1e-5)
    x = torch.div(w, s)
    t = torch.clamp_(torch.round(x), -1, 1)
    torch.copy_(torch.narrow(trits, 0, row, blocks[i]), self.soften(x, t, sharpness))
    torch.copy_(torch.narrow(scale, 0, row, blocks[i]), s)
    row = row + blocks[i]
  return annotate(List[Tensor], [])

# The scale of every `columns` neighbouring inputs of a row, as TernaryQuantizer.groupScale: rounded to half
# precision.
def group_scales(self, latent: Tensor, columns: int) -> Tensor:
  groups = torch.reshape(torch.abs(latent), [latent.size(0), -1, columns])
  s = torch.clamp_min(torch.mean(groups, [-1], True, dtype=7).to(6), 1e-5)
  return s.to(5).to(6)

# The same with group scales: `products` are scale times trit, and the scales of the rows stay 1.
def ternarize_groups(self, latent: Tensor, columns: int, sharpness: float, products: Tensor) -> List[Tensor]:
  s = self.group_scales(latent, columns)
  w = torch.reshape(latent, [latent.size(0), -1, columns])
  t = torch.mul_(torch.clamp_(torch.round_(torch.div(w, s)), -1, 1), s)
  torch.copy_(products, torch.reshape(self.soften(w, t, sharpness), latent.size()))
  return annotate(List[Tensor], [])

# watch_trits for products of scales and trits.
def watch_products(self, products: Tensor, stride: int, before: Tensor) -> List[Tensor]:
  t = torch.sign(products[::stride]).to(1)
  zeros = t.numel() - torch.count_nonzero(t)
  flips = torch.count_nonzero(torch.ne(t, before))
  torch.copy_(before, t)
  return [torch.stack([zeros, flips])]

# Of every stride-th row of latent: how many trits are 0, and how many differ from before (int8), which
# they replace. scale is ternarize's.
def watch_trits(self, latent: Tensor, scale: Tensor, stride: int, before: Tensor) -> List[Tensor]:
  s = torch.unsqueeze(scale[::stride], 1)
  t = torch.clamp_(torch.round_(torch.div(latent[::stride], s)), -1, 1).to(1)
  zeros = t.numel() - torch.count_nonzero(t)
  flips = torch.count_nonzero(torch.ne(t, before))
  torch.copy_(before, t)
  return [torch.stack([zeros, flips])]

# The same with one scale per row, multiplied in again: ternary embeddings.
def ternarize_rows(self, latent: Tensor) -> List[Tensor]:
  s = torch.clamp_min(torch.mean(torch.abs(latent), [-1], True, dtype=7).to(6), 1e-5)
  return [torch.mul_(torch.clamp_(torch.round_(torch.div(latent, s)), -1, 1), s)]

# [tokens, width] -> normed x, and 1 / rms [tokens, 1] for the backward pass. 1 / rms is rounded once,
# from double precision, so that the runtime finds the same bits: the values of a sequence's first
# token are ties of the next quantization more often than not.
def rms_norm(self, x: Tensor, gain: Tensor, eps: float) -> List[Tensor]:
  l2 = torch.linalg_vector_norm(x, 2, [-1], True, dtype=7)
  r = torch.rsqrt(l2 * l2 / x.size(-1) + eps).to(6)
  return [torch.mul_(torch.mul(x, r), gain), r]

# dx = r * (g - xhat * mean(g * xhat)) with g = dy * gain, xhat = x * r; dgain += sum(dy * xhat).
def rms_norm_backward(self, dy: Tensor, x: Tensor, r: Tensor, gain: Tensor, dgain: Tensor) -> List[Tensor]:
  xhat = torch.mul(x, r)
  p = torch.mul(dy, xhat)
  if dgain.numel() > 0:
    torch.add_(dgain, torch.sum(p, [0]))
  c = torch.unsqueeze(torch.mv(p, gain), 1) / x.size(-1)
  return [torch.mul_(torch.addcmul_(torch.mul(dy, gain), xhat, c, value=-1), r)]

# Absmax per token: codes = round(x * 127 / max(max|x|, 1e-5)), exact in bf16 too; and 1 / a [tokens, 1].
# |x| * a <= 127 up to one rounding, so the clamp of the definition never acts. The two extremes are
# taken apart because libtorch's infinity norm is ten times slower.
def quantize(self, x: Tensor, sharpness: float, mode: int) -> List[Tensor]:
  largest = torch.maximum(torch.amax(x, [-1], True), torch.neg(torch.amin(x, [-1], True)))
  a = 127.0 / torch.clamp_min(largest, 1e-5)
  codes = torch.mul(x, a)
  if sharpness < 1.0:
    codes = torch.lerp(codes, torch.round(codes), sharpness)
  else:
    codes = torch.round_(codes)
  if mode == 1:
    codes = codes.to(15)
  return [codes, torch.reciprocal(a)]

# Absmax per token and group of `columns` inputs: dequantized codes, and a factor of 1 per token.
def quantize_groups(self, x: Tensor, columns: int, sharpness: float, mode: int) -> List[Tensor]:
  groups = torch.reshape(x, [x.size(0), -1, columns])
  a = 127.0 / torch.clamp_min(torch.amax(torch.abs(groups), [-1], True), 1e-5)
  codes = torch.mul(groups, a)
  codes = torch.lerp(codes, torch.round(codes), sharpness)
  values = torch.reshape(torch.div(codes, a), x.size())
  if mode == 1:
    values = values.to(15)
  return [values, torch.ones([x.size(0), 1])]

# Activations that are not quantized, with a factor of 1 per token.
def keep_activations(self, x: Tensor, mode: int) -> List[Tensor]:
  values = torch.clone(x)
  if mode == 1:
    values = values.to(15)
  return [values, torch.ones([x.size(0), 1])]

# codes [tokens, in], trits [out, in], scale [out] -> y [tokens, out] = (codes T^t) * scale / a.
def bit_linear(self, codes: Tensor, inverse: Tensor, trits: Tensor, scale: Tensor) -> List[Tensor]:
  y = torch.linear(codes, trits).to(6)
  return [torch.mul_(torch.mul_(y, inverse), scale)]

# Straight-through: dx = (dy * scale) T, dW += dy^t (codes / a). Where dy is of no further use it is
# scaled in place: fresh memory for it costs more than the product's own bookkeeping.
def bit_linear_backward(self, dy: Tensor, last_use: bool, codes: Tensor, inverse: Tensor, trits: Tensor, scale: Tensor, dw: Tensor, mode: int) -> List[Tensor]:
  x = self.operand(torch.mul(codes, inverse), mode)
  d = torch.t(self.operand(dy, mode))
  if mode == 1:
    torch.add_(dw, torch.mm(d, x))
  else:
    torch.addmm_(dw, d, x)
  if last_use:
    scaled = torch.mul_(dy, scale)
  else:
    scaled = torch.mul(dy, scale)
  return [torch.mm(self.operand(scaled, mode), trits).to(6)]

# A frozen matrix is unpacked to fp32 a block of `count` rows at a time, weights [count or more, in], which
# are the outputs from `start`: y [tokens, out] = x w^t of these columns.
def block_product(self, y: Tensor, x: Tensor, start: int, weights: Tensor, count: int, mode: int) -> List[Tensor]:
  w = self.operand(torch.narrow(weights, 0, 0, count), mode)
  torch.copy_(torch.narrow(y, 1, start, count), torch.linear(self.operand(x, mode), w))
  return annotate(List[Tensor], [])

# Its part of the gradient of the input: dx [tokens, in] += dy w.
def block_backward(self, dx: Tensor, dy: Tensor, start: int, weights: Tensor, count: int, mode: int) -> List[Tensor]:
  w = self.operand(torch.narrow(weights, 0, 0, count), mode)
  d = self.operand(torch.narrow(dy, 1, start, count), mode)
  if mode == 1:
    torch.add_(dx, torch.mm(d, w))
  else:
    torch.addmm_(dx, d, w)
  return annotate(List[Tensor], [])

# A low-rank adapter: y[:, start:] += scaling * (x a^t) b^t, in place, of x [tokens, in], a [rank, in],
# b [out, rank] -> x a^t.
def lora(self, y: Tensor, x: Tensor, a: Tensor, b: Tensor, start: int, scaling: float) -> List[Tensor]:
  u = torch.linear(x, a)
  torch.add_(torch.narrow(y, 1, start, b.size(0)), torch.linear(u, b), alpha=scaling)
  return [u]

# Adds the gradients of a, b and x; dx is masked as x was, where there is a mask.
def lora_backward(self, dy: Tensor, x: Tensor, u: Tensor, a: Tensor, b: Tensor, start: int, scaling: float, mask: Tensor, da: Tensor, db: Tensor, dx: Tensor) -> List[Tensor]:
  d = torch.mul(torch.narrow(dy, 1, start, b.size(0)), scaling)
  torch.addmm_(db, torch.t(d), u)
  du = torch.mm(d, b)
  torch.addmm_(da, torch.t(du), x)
  if mask.numel() > 0:
    torch.add_(dx, torch.mul_(torch.mm(du, a), mask))
  else:
    torch.addmm_(dx, du, a)
  return annotate(List[Tensor], [])

def multiplied(self, x: Tensor, y: Tensor) -> List[Tensor]:
  return [torch.mul(x, y)]

# Outputs [tokens, out] of several layers side by side, and a range of such columns on its own.
def side_by_side(self, parts: List[Tensor]) -> List[Tensor]:
  return [torch.cat(parts, 1)]

def columns(self, x: Tensor, start: int, count: int) -> List[Tensor]:
  return [torch.contiguous(torch.narrow(x, 1, start, count))]

# x [batch, head, seq, head_dim] turned by the angles of cos, sin [seq, head_dim / 2] or, where texts branch,
# [batch, 1, seq, head_dim / 2] (halves, as in LLaMA).
def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
  a = torch.chunk(x, 2, -1)
  return torch.cat([torch.addcmul(a[0] * cos, a[1], sin, value=-1), torch.addcmul(a[1] * cos, a[0], sin)], -1)

def spread(self, x: Tensor, heads: int) -> Tensor:
  if x.size(1) == heads:
    return x
  return torch.repeat_interleave(x, heads // x.size(1), 1)

def visible(self, mask: Tensor, q: Tensor) -> Optional[Tensor]:
  result = annotate(Optional[Tensor], None)
  if mask.numel() > 0:
    result = mask.to(q.dtype)
  return result

# Attention, causal, or where texts branch by a mask [batch, 1, seq, seq] that is added to scores. qkv [tokens, (heads + 2 kv_heads) * head_dim] -> output [tokens, heads * head_dim],
# and what the backward pass needs: rotated q and k together, v, output by head, log-sum-exp.
def attention(self, qkv: Tensor, cos: Tensor, sin: Tensor, mask: Tensor, batch: int, heads: int, kv_heads: int, mode: int) -> List[Tensor]:
  seq = qkv.size(0) // batch
  x = torch.transpose(qkv.view([batch, seq, heads + 2 * kv_heads, -1]), 1, 2)
  qk = self.rotate(torch.narrow(x, 1, 0, heads + kv_heads), cos, sin)
  v = torch.contiguous(torch.narrow(x, 1, heads + kv_heads, kv_heads))
  if mode == 1:
    qk = qk.to(15)
    v = v.to(15)
  q = torch.narrow(qk, 1, 0, heads)
  k = self.spread(torch.narrow(qk, 1, heads, kv_heads), heads)
  visible = self.visible(mask, q)
  causal = mask.numel() == 0
  if qkv.is_cuda:
    out = torch.scaled_dot_product_attention(q, k, self.spread(v, heads), visible, 0.0, causal)
    lse = torch.empty([0])
  else:
    out, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, self.spread(v, heads), 0.0, causal, attn_mask=visible)
  return [torch.reshape(torch.transpose(out, 1, 2), [batch * seq, -1]).to(6), qk, v, out, lse]

def attention_backward(self, dy: Tensor, qk: Tensor, v: Tensor, out: Tensor, lse: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> List[Tensor]:
  batch = qk.size(0)
  seq = qk.size(2)
  kv_heads = v.size(1)
  heads = qk.size(1) - kv_heads
  dout = torch.transpose(dy.view([batch, seq, heads, -1]), 1, 2).to(out.dtype)
  q = torch.narrow(qk, 1, 0, heads)
  k = self.spread(torch.narrow(qk, 1, heads, kv_heads), heads)
  vs = self.spread(v, heads)
  visible = self.visible(mask, q)
  causal = mask.numel() == 0
  if qk.is_cuda:
    torch.set_grad_enabled(True)
    q = torch.detach(q).requires_grad_(True)
    k = torch.detach(k).requires_grad_(True)
    vs = torch.detach(vs).requires_grad_(True)
    again = torch.scaled_dot_product_attention(q, k, vs, visible, 0.0, causal)
    g = torch.grad([again], [q, k, vs], annotate(List[Optional[Tensor]], [dout]), None, False, False)
    torch.set_grad_enabled(False)
    dq = torch._unwrap_optional(g[0])
    dk = torch._unwrap_optional(g[1])
    dv = torch._unwrap_optional(g[2])
  else:
    dq, dk, dv = torch._scaled_dot_product_flash_attention_for_cpu_backward(dout, q, k, vs, out, lse, 0.0, causal, attn_mask=visible)
  if heads != kv_heads:
    group = [batch, kv_heads, heads // kv_heads, seq, v.size(3)]
    dk = torch.sum(torch.reshape(dk, group), [2])
    dv = torch.sum(torch.reshape(dv, group), [2])
  # a rotation's transpose turns back
  dqk = self.rotate(torch.cat([dq, dk], 1).to(6), cos, torch.neg(sin))
  return [torch.reshape(torch.transpose(torch.cat([dqk, dv.to(6)], 1), 1, 2), [batch * seq, -1])]

# Attention of seq new tokens at position start over caches [batch, kv_heads, capacity, head_dim].
def attention_cached(self, qkv: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, start: int, heads: int) -> List[Tensor]:
  batch = keys.size(0)
  kv_heads = keys.size(1)
  seq = qkv.size(0) // batch
  x = torch.transpose(qkv.view([batch, seq, heads + 2 * kv_heads, -1]), 1, 2)
  qk = self.rotate(torch.narrow(x, 1, 0, heads + kv_heads), cos, sin)
  torch.copy_(torch.narrow(keys, 2, start, seq), torch.narrow(qk, 1, heads, kv_heads))
  torch.copy_(torch.narrow(values, 2, start, seq), torch.narrow(x, 1, heads + kv_heads, kv_heads))
  k = self.spread(torch.narrow(keys, 2, 0, start + seq), heads)
  v = self.spread(torch.narrow(values, 2, 0, start + seq), heads)
  mask = annotate(Optional[Tensor], None)
  if seq > 1:
    mask = torch.tril(torch.ones([seq, start + seq], dtype=11, device=qkv.device), start)
  out = torch.scaled_dot_product_attention(torch.narrow(qk, 1, 0, heads), k, v, mask)
  return [torch.reshape(torch.transpose(out, 1, 2), [batch * seq, -1])]

# y [tokens, out] += bias [out], in place; dbias += sum(dy).
def add_bias(self, y: Tensor, bias: Tensor) -> List[Tensor]:
  return [torch.add_(y, bias)]

def add_bias_gradient(self, dy: Tensor, dbias: Tensor) -> List[Tensor]:
  if dbias.numel() > 0:
    torch.add_(dbias, torch.sum(dy, [0]))
  return annotate(List[Tensor], [])

# Heads start to start + count of qkv [tokens, all heads, head_dim] as [tokens * count, head_dim].
def head_rows(self, x: Tensor, start: int, count: int) -> Tensor:
  return torch.reshape(torch.narrow(x, 1, start, count), [-1, x.size(2)])

# RMSNorm of each head of q and of k, with one gain [head_dim] each, before the rotation: qkv
# [tokens, (heads + 2 kv_heads) * head_dim] -> the same shape, and 1 / rms of the heads.
def head_norms(self, qkv: Tensor, q_gain: Tensor, k_gain: Tensor, heads: int, kv_heads: int, eps: float) -> List[Tensor]:
  tokens = qkv.size(0)
  x = qkv.view([tokens, heads + 2 * kv_heads, -1])
  q = self.rms_norm(self.head_rows(x, 0, heads), q_gain, eps)
  k = self.rms_norm(self.head_rows(x, heads, kv_heads), k_gain, eps)
  v = torch.narrow(x, 1, heads + kv_heads, kv_heads)
  y = torch.cat([q[0].view([tokens, heads, -1]), k[0].view([tokens, kv_heads, -1]), v], 1)
  return [torch.reshape(y, [tokens, -1]), q[1], k[1]]

def head_norms_backward(self, dy: Tensor, qkv: Tensor, q_r: Tensor, k_r: Tensor, q_gain: Tensor, k_gain: Tensor, dq_gain: Tensor, dk_gain: Tensor, heads: int, kv_heads: int) -> List[Tensor]:
  tokens = qkv.size(0)
  x = qkv.view([tokens, heads + 2 * kv_heads, -1])
  d = dy.view([tokens, heads + 2 * kv_heads, -1])
  dq = self.rms_norm_backward(self.head_rows(d, 0, heads), self.head_rows(x, 0, heads), q_r, q_gain, dq_gain)
  dk = self.rms_norm_backward(self.head_rows(d, heads, kv_heads), self.head_rows(x, heads, kv_heads), k_r, k_gain, dk_gain)
  dv = torch.narrow(d, 1, heads + kv_heads, kv_heads)
  dx = torch.cat([dq[0].view([tokens, heads, -1]), dk[0].view([tokens, kv_heads, -1]), dv], 1)
  return [torch.reshape(dx, [tokens, -1])]

# The gate: act(g) * u with [g | u] = gate_up [tokens, 2 * intermediate]; squared: relu^2 instead of SiLU.
def gated(self, gate_up: Tensor, squared: bool) -> List[Tensor]:
  gu = torch.chunk(gate_up, 2, -1)
  if squared:
    a = torch.square(torch.relu(gu[0]))
  else:
    a = torch.silu(gu[0])
  return [torch.mul_(a, gu[1])]

# The gradient of gate_up takes its place in memory.
def gated_backward(self, dz: Tensor, gate_up: Tensor, squared: bool) -> List[Tensor]:
  gu = torch.chunk(gate_up, 2, -1)
  dg = torch.mul(dz, gu[1])
  if squared:
    r = torch.relu(gu[0])
    torch.mul(torch.mul_(dg, r), 2, out=gu[0])
    torch.mul(torch.square_(r), dz, out=gu[1])
  else:
    a = torch.silu(gu[0])
    torch.silu_backward(dg, gu[0], grad_input=gu[0])
    torch.mul(a, dz, out=gu[1])
  return [gate_up]

def rows(self, x: Tensor, start: int, count: int) -> List[Tensor]:
  return [torch.narrow(x, 0, start, count)]

def select_rows(self, weight: Tensor, ids: Tensor) -> List[Tensor]:
  return [torch.embedding(weight, ids)]

def add_rows(self, dx: Tensor, ids: Tensor, dw: Tensor) -> List[Tensor]:
  if dw.numel() > 0:
    torch.index_add_(dw, 0, ids, dx)
  return annotate(List[Tensor], [])

def linear(self, x: Tensor, w: Tensor) -> List[Tensor]:
  return [torch.linear(x, w)]

# Log-probabilities [rows, vocab] of logits at a temperature. Where candidates are given, each row is
# restricted to its own: pairs of candidate_rows and candidate_ids, with the number start of row 0.
def token_distribution(self, logits: Tensor, temperature: float, candidate_rows: Tensor, candidate_ids: Tensor, start: int) -> Tensor:
  z = logits
  if temperature != 1.0:
    z = torch.div(z, temperature)
  if candidate_rows.size(0) > 0:
    rows = z.size(0)
    inside = torch.logical_and(torch.ge(candidate_rows, start), torch.lt(candidate_rows, start + rows))
    row = torch.sub(torch.masked_select(candidate_rows, inside), start)
    flat = torch.add(torch.mul(row, z.size(1)), torch.masked_select(candidate_ids, inside))
    # finite, so that 0 * log 0 is 0
    kept = torch.full([rows * z.size(1)], -1e30, dtype=6, device=z.device)
    torch.scatter_(kept, 0, flat, torch.gather(torch.reshape(z, [-1]), 0, flat))
    z = torch.reshape(kept, [rows, -1])
  return torch.log_softmax(z, -1)

# log p(target) [n] of rows of hidden [n, width] with logits = hidden head^t, and if asked for the entropies
# [n] of their distributions, by chunks of rows, so that no more than chunk * vocab logits exist at once.
# With a reference (its hidden states [n, width] and its head) also log ref(target) [n] and the divergence
# KL [n], the sum over the vocabulary of p (log p - log ref); candidates restrict both policies.
# With slopes [n] (else empty) also the gradients of sum(slopes * log p) + sum(kl_slopes * KL): dhidden
# (written), dhead (added to).
def log_probabilities(self, hidden: Tensor, head: Tensor, targets: Tensor, slopes: Tensor, temperature: float, candidate_rows: Tensor, candidate_ids: Tensor, ref_hidden: Tensor, ref_head: Tensor, kl_slopes: Tensor, chunk: int, mode: int, entropies: bool, dhidden: Tensor, dhead: Tensor) -> List[Tensor]:
  n = hidden.size(0)
  w = self.operand(head, mode)
  chosen = torch.empty([n], dtype=6, device=hidden.device)
  entropy = torch.empty([n], dtype=6, device=hidden.device)
  compared = ref_hidden.size(0) > 0
  reference = torch.empty([ref_hidden.size(0)], dtype=6, device=hidden.device)
  divergence = torch.empty([ref_hidden.size(0)], dtype=6, device=hidden.device)
  rw = ref_head
  if compared:
    rw = self.operand(ref_head, mode)
  start = 0
  while start < n:
    rows = min(chunk, n - start)
    h = self.operand(torch.narrow(hidden, 0, start, rows), mode)
    t = torch.unsqueeze(torch.narrow(targets, 0, start, rows), 1)
    logp = self.token_distribution(torch.linear(h, w).to(6), temperature, candidate_rows, candidate_ids, start)
    torch.copy_(torch.narrow(chosen, 0, start, rows), torch.squeeze(torch.gather(logp, 1, t), 1))
    if entropies:
      plogp = torch.mul(torch.exp(logp), logp)
      torch.copy_(torch.narrow(entropy, 0, start, rows), torch.neg(torch.sum(plogp, [-1])))
    dkl = torch.empty([0], dtype=6, device=hidden.device)
    if compared:
      rh = self.operand(torch.narrow(ref_hidden, 0, start, rows), mode)
      logr = self.token_distribution(torch.linear(rh, rw).to(6), temperature, candidate_rows, candidate_ids, start)
      torch.copy_(torch.narrow(reference, 0, start, rows), torch.squeeze(torch.gather(logr, 1, t), 1))
      difference = torch.sub(logp, logr)
      pk = torch.exp(logp)
      kl = torch.sum(torch.mul(pk, difference), [-1])
      torch.copy_(torch.narrow(divergence, 0, start, rows), kl)
      if kl_slopes.size(0) > 0:
        dkl = torch.mul(pk, torch.sub(difference, torch.unsqueeze(kl, 1)))
        dkl = torch.mul(dkl, torch.unsqueeze(torch.narrow(kl_slopes, 0, start, rows), 1))
    if slopes.size(0) > 0:
      p = torch.exp_(logp)
      torch.scatter_add_(p, 1, t, torch.full([rows, 1], -1.0, dtype=6, device=hidden.device))
      falls = torch.neg(torch.unsqueeze(torch.narrow(slopes, 0, start, rows), 1))
      p = torch.mul_(p, falls)
      if dkl.size(0) > 0:
        p = torch.add_(p, dkl)
      if temperature != 1.0:
        p = torch.div_(p, temperature)
      d = self.operand(p, mode)
      torch.copy_(torch.narrow(dhidden, 0, start, rows), torch.mm(d, w))
      if dhead.numel() > 0:
        if mode == 1:
          torch.add_(dhead, torch.mm(torch.t(d), h))
        else:
          torch.addmm_(dhead, torch.t(d), h)
    start = start + rows
  return [chosen, entropy, reference, divergence]

# Sum of -log p(target); with weight > 0 also the gradients of weight * sum.
def cross_entropy(self, hidden: Tensor, head: Tensor, targets: Tensor, chunk: int, mode: int, weight: float, dhidden: Tensor, dhead: Tensor) -> List[Tensor]:
  n = hidden.size(0)
  if weight > 0:
    slopes = torch.full([n], -weight, dtype=6, device=hidden.device)
  else:
    slopes = torch.empty([0])
  none = torch.empty([0])
  r = self.log_probabilities(hidden, head, targets, slopes, 1.0, none, none, none, none, none, chunk, mode, False, dhidden, dhead)
  return [torch.neg(torch.sum(r[0], dtype=7))]

def grad_norm(self, grads: List[Tensor]) -> List[Tensor]:
  return [torch.linalg_vector_norm(torch.stack(torch._foreach_norm(grads, 2)), 2)]

# Every stride-th entry of all gradients, in one vector.
def sample_gradients(self, grads: List[Tensor], stride: int) -> List[Tensor]:
  parts = annotate(List[Tensor], [])
  for g in grads:
    _ = torch.append(parts, torch.slice(torch.reshape(g, [-1]), 0, 0, 9223372036854775807, stride))
  return [torch.cat(parts)]

# AdamW with decoupled decay; grads are scaled by clip first and zeroed afterwards.
def adamw(self, params: List[Tensor], grads: List[Tensor], first: List[Tensor], second: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float, eps: float, decay: float, clip: float) -> List[Tensor]:
  if clip < 1.0:
    torch._foreach_mul_(grads, clip)
  torch._foreach_add_(steps, 1)
  torch._fused_adamw_(params, grads, first, second, annotate(List[Tensor], []), steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
  torch._foreach_zero_(grads)
  return annotate(List[Tensor], [])

def zero(self, tensors: List[Tensor]) -> List[Tensor]:
  torch._foreach_zero_(tensors)
  return annotate(List[Tensor], [])

def product(self, a: Tensor, b: Tensor, mode: int) -> List[Tensor]:
  return [torch.mm(self.operand(a, mode), self.operand(b, mode))]

def bf16(self, x: Tensor) -> List[Tensor]:
  return [x.to(15)]
