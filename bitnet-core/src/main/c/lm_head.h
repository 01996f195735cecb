// Products with row-major weights, those of an output head: 8 bits, 4 bits and fp32. The set's
// file defines before it includes this, besides what floats.h needs:
//   ints, INT_BYTES         a vector of bytes
//   load_bytes(p)           unaligned
//   prepare(x)              what dot() wants to know of the activations besides themselves
//   dot(sums, w, x, ready)  adds products of signed bytes to 32-bit sums
//   sum_ints(sums)          of all lanes
//   DOT_BIAS                dot() counts every weight so many times too often
//   group_ints, group_floats, group_bias(x), group_dot(nibbles, x, bias), group_fma(a, b, sum),
//   group_set(value), group_sum(sums): a group of 64 weights of 4 bits with its 64 activations

#define PREFETCH(p) __builtin_prefetch((p), 0, 3)

INLINE void int8_block(const int rows, const int tokens, const int8_t *weights, int stride,
                       const float *scales, const int32_t *row_sums, const int8_t *activations,
                       const float *activation_scales, float *out, int out_stride) {
  ints sums[4][4];
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int t = 0; t < tokens; t++) {
      sums[r][t] = (ints){0};
    }
  }
  for (int k = 0; k < stride; k += INT_BYTES) {
    ints w[4];
    UNROLL
    for (int r = 0; r < rows; r++) {
      w[r] = load_bytes(weights + (int64_t)r * stride + k);
      PREFETCH(weights + (int64_t)(r + rows) * stride + k);
    }
    UNROLL
    for (int t = 0; t < tokens; t++) {
      ints x = load_bytes(activations + (int64_t)t * stride + k);
      ints ready = prepare(x);
      UNROLL
      for (int r = 0; r < rows; r++) {
        sums[r][t] = dot(sums[r][t], w[r], x, ready);
      }
    }
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int t = 0; t < tokens; t++) {
      int32_t sum = sum_ints(sums[r][t]) - DOT_BIAS * row_sums[r];
      out[(int64_t)t * out_stride + r] = (float)sum * activation_scales[t] * scales[r];
    }
  }
}

EXPORT(void, int8)
(const int8_t *weights, const float *scales, const int32_t *row_sums, const int8_t *activations,
 int stride, const float *activation_scales, int tokens, int first, int end, float *out,
 int out_stride) {
#define BLOCK(rows, count)                                                                         \
  int8_block(rows, count, weights + (int64_t)row * stride, stride, scales + row, row_sums + row,   \
             activations + (int64_t)token * stride, activation_scales + token,                     \
             out + (int64_t)token * out_stride + row, out_stride)
  int row = first;
#ifdef MATRIX_UNIT
  row = int8_in_tiles(weights, scales, activations, stride, activation_scales, tokens, row, end,
                      out, out_stride);
#endif
  if (tokens >= 4) {
    for (; row + 2 <= end; row += 2) {
      int token = 0;
      for (; token + 4 <= tokens; token += 4) {
        BLOCK(2, 4);
      }
      for (; token < tokens; token++) {
        BLOCK(2, 1);
      }
    }
  }
  for (; row + 4 <= end; row += 4) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(4, 1);
    }
  }
  for (; row < end; row++) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(1, 1);
    }
  }
#undef BLOCK
}

INLINE void int4_block(const int rows, const uint8_t *nibbles, int groups, const float *scales,
                       const int8_t *activations, float activation_scale, float *out) {
  group_floats sums[4];
  UNROLL
  for (int r = 0; r < rows; r++) {
    sums[r] = (group_floats){0};
  }
  for (int g = 0; g < groups; g++) {
    const int8_t *x = activations + (int64_t)g * GROUP_COLUMNS;
    group_ints bias = group_bias(x);
    UNROLL
    for (int r = 0; r < rows; r++) {
      int64_t index = (int64_t)r * groups + g;
      PREFETCH(nibbles + (index + (int64_t)rows * groups) * GROUP_BYTES);
      sums[r] = group_fma(group_set(scales[index]),
                          group_dot(nibbles + index * GROUP_BYTES, x, bias), sums[r]);
    }
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    out[r] = activation_scale * group_sum(sums[r]);
  }
}

EXPORT(void, int4)
(const uint8_t *nibbles, const float *scales, int groups, const int8_t *activations,
 const float *activation_scales, int tokens, int first, int end, float *out, int out_stride) {
#define BLOCK(rows)                                                                                \
  int4_block(rows, nibbles + (int64_t)row * groups * GROUP_BYTES, groups,                          \
             scales + (int64_t)row * groups,                                                       \
             activations + (int64_t)token * groups * GROUP_COLUMNS, activation_scales[token],      \
             out + (int64_t)token * out_stride + row)
  int row = first;
  for (; row + 4 <= end; row += 4) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(4);
    }
  }
  for (; row < end; row++) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(1);
    }
  }
#undef BLOCK
}

// Adds the products of `count` columns, at most LANES.
INLINE void fp32_step(const int rows, const int tokens, const float *weights, int columns,
                      const float *x, int count, floats sums[4][4]) {
  floats w[4];
  UNROLL
  for (int r = 0; r < rows; r++) {
    w[r] = load_some(weights + (int64_t)r * columns, count);
    PREFETCH(weights + (int64_t)(r + rows) * columns);
  }
  UNROLL
  for (int t = 0; t < tokens; t++) {
    floats activations = load_some(x + (int64_t)t * columns, count);
    UNROLL
    for (int r = 0; r < rows; r++) {
      sums[r][t] = fma_floats(w[r], activations, sums[r][t]);
    }
  }
}

INLINE void fp32_block(const int rows, const int tokens, const float *weights, int columns,
                       const float *x, float *out, int out_stride) {
  floats sums[4][4];
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int t = 0; t < tokens; t++) {
      sums[r][t] = set(0.0f);
    }
  }
  int k = 0;
  for (; k + LANES <= columns; k += LANES) {
    fp32_step(rows, tokens, weights + k, columns, x + k, LANES, sums);
  }
  if (k < columns) {
    fp32_step(rows, tokens, weights + k, columns, x + k, columns - k, sums);
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int t = 0; t < tokens; t++) {
      out[(int64_t)t * out_stride + r] = sum_floats(sums[r][t]);
    }
  }
}

EXPORT(void, fp32)(const float *weights, int columns, const float *x, int tokens, int first,
                   int end, float *out, int out_stride) {
#define BLOCK(rows, count)                                             \
  fp32_block(rows, count, weights + (int64_t)row * columns, columns,   \
             x + (int64_t)token * columns,                             \
             out + (int64_t)token * out_stride + row, out_stride)
  int row = first;
  if (tokens >= 4) {
    for (; row + 2 <= end; row += 2) {
      int token = 0;
      for (; token + 4 <= tokens; token += 4) {
        BLOCK(2, 4);
      }
      for (; token < tokens; token++) {
        BLOCK(2, 1);
      }
    }
  }
  for (; row + 4 <= end; row += 4) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(4, 1);
    }
  }
  for (; row < end; row++) {
    for (int token = 0; token < tokens; token++) {
      BLOCK(1, 1);
    }
  }
#undef BLOCK
}
