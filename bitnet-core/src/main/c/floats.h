// What is not a product with weights: quantization, normalization, gates, rotation.
// The set's file defines before it includes this:
//   floats, LANES                               a vector; + - * / work on it
//   load(p), store(p, v), set(value)            unaligned
//   load_half(p), store_half(p, v)              LANES values of IEEE half precision
//   fma_floats(a, b, c)                         a * b + c, rounded once
//   least(a, b), greatest(a, b)                 if one is not a number: b
//   nearest(v)                                  integers, halves to even
//   power_of_two(n)                             2^n, n integers from -126 to 127
//   sum_floats(v), greatest_float(v)            of all lanes
//   ints, magnitude_bits(v), greatest_bits(a, b), greatest_int(v)
//                                               bits without the sign, as integers
//   store_int8(activations, v)                  floats that are integers, to bytes; saturates;
//                                               returns the sum of what was stored

INLINE floats load_some(const float *p, int count) {
  if (count >= LANES) {
    return load(p);
  }
  float part[LANES] = {0};
  memcpy(part, p, sizeof(float) * (size_t)count);
  return load(part);
}

INLINE void store_some(float *p, floats v, int count) {
  if (count >= LANES) {
    store(p, v);
  } else {
    float part[LANES];
    store(part, v);
    memcpy(p, part, sizeof(float) * (size_t)count);
  }
}

// e^x to about two units in the last place, for x from -87 to 88; beyond that, the limit's value.
// Reduces to |r| <= ln(2)/2 and evaluates the minimax polynomial of Cephes' expf.
INLINE floats exponential(floats x) {
  x = greatest(set(-87.0f), least(set(88.0f), x));
  floats n = nearest(x * set(1.44269504f));
  floats r = fma_floats(n, set(-0.693359375f), x);
  r = fma_floats(n, set(2.12194440e-4f), r);
  floats p = set(1.9875691500e-4f);
  p = fma_floats(p, r, set(1.3981999507e-3f));
  p = fma_floats(p, r, set(8.3334519073e-3f));
  p = fma_floats(p, r, set(4.1665795894e-2f));
  p = fma_floats(p, r, set(1.6666665459e-1f));
  p = fma_floats(p, r, set(5.0000001201e-1f));
  p = fma_floats(p, r * r, r) + set(1.0f);
  return p * power_of_two(n);
}

// The greatest magnitude, and at least `least_value`; not finite if one of the values is not.
INLINE float greatest_magnitude(const float *x, int count, float least_value) {
  // Compared as integers, magnitudes keep their order and what is not a number is the greatest.
  ints bits = magnitude_bits(set(least_value));
  for (int k = 0; k < count; k += LANES) {
    bits = greatest_bits(bits, magnitude_bits(load_some(x + k, count - k)));
  }
  int32_t greatest_bits_of_all = greatest_int(bits);
  float maximum;
  memcpy(&maximum, &greatest_bits_of_all, sizeof(maximum));
  return maximum;
}

// Writes values times a factor rounded to int8 and returns the sum of these.
INLINE int32_t round_to_int8(const float *x, int columns, float factor, int8_t *quantized) {
  floats multiplier = set(factor);
  int32_t total = 0;
  int k = 0;
  for (; k + LANES <= columns; k += LANES) {
    total += store_int8(quantized + k, nearest(load(x + k) * multiplier));
  }
  if (k < columns) {
    int8_t part[LANES];
    total += store_int8(part, nearest(load_some(x + k, columns - k) * multiplier));
    memcpy(quantized + k, part, (size_t)(columns - k));
  }
  return total;
}

EXPORT(float, quantize)
(const float *x, int columns, int8_t *activations, float *activation_scale, int32_t *sum) {
  float maximum = greatest_magnitude(x, columns, 1e-5f);
  if (!__builtin_isfinite(maximum)) {
    return maximum;
  }
  float inverse_scale = 127.0f / maximum;
  *sum = round_to_int8(x, columns, inverse_scale, activations);
  *activation_scale = 1.0f / inverse_scale;
  return maximum;
}

EXPORT(float, quantize_groups)
(const float *x, int columns, int group_columns, int8_t *activations, float *activation_scales,
 int32_t *sums, int capacity) {
  float maximum = 0;
  for (int first = 0; first < columns && __builtin_isfinite(maximum); first += group_columns) {
    maximum = JOIN(SET, quantize)(x + first, group_columns, activations + first, activation_scales,
                                  sums);
    activation_scales += capacity;
    sums += capacity;
  }
  return maximum;
}

EXPORT(float, int8_row)
(const float *x, int columns, int8_t *quantized, float *scale, int32_t *sum) {
  float maximum = greatest_magnitude(x, columns, 0.0f);
  if (!__builtin_isfinite(maximum)) {
    return maximum;
  }
  *sum = round_to_int8(x, columns, maximum == 0 ? 0 : 127.0f / maximum, quantized);
  *scale = maximum / 127.0f;
  return maximum;
}

EXPORT(void, normalize)(const float *x, const float *gain, int count, float epsilon, float *out) {
  enum { SUMS = 16 }; // in double precision; so many that the compiler makes vectors of them
  double squares[SUMS] = {0};
  int i = 0;
  for (; i + SUMS <= count; i += SUMS) {
    for (int j = 0; j < SUMS; j++) {
      squares[j] += (double)x[i + j] * (double)x[i + j];
    }
  }
  double sum = 0;
  for (; i < count; i++) {
    sum += (double)x[i] * (double)x[i];
  }
  for (int j = 0; j < SUMS; j++) {
    sum += squares[j];
  }
  floats inverse = set((float)(1.0 / __builtin_sqrt(sum / count + (double)epsilon)));
  for (i = 0; i < count; i += LANES) {
    floats v = load_some(x + i, count - i) * inverse * load_some(gain + i, count - i);
    store_some(out + i, v, count - i);
  }
}

EXPORT(void, silu_gate)(const float *gate, const float *up, int count, float *out) {
  for (int i = 0; i < count; i += LANES) {
    floats g = greatest(set(-88.0f), load_some(gate + i, count - i));
    floats silu = g / (set(1.0f) + exponential(set(0.0f) - g));
    store_some(out + i, silu * load_some(up + i, count - i), count - i);
  }
}

EXPORT(void, squared_relu_gate)(const float *gate, const float *up, int count, float *out) {
  for (int i = 0; i < count; i += LANES) {
    floats g = greatest(set(0.0f), load_some(gate + i, count - i));
    store_some(out + i, g * g * load_some(up + i, count - i), count - i);
  }
}

EXPORT(void, add)(const float *x, int count, float *sum) {
  for (int i = 0; i < count; i += LANES) {
    store_some(sum + i, load_some(sum + i, count - i) + load_some(x + i, count - i), count - i);
  }
}

EXPORT(void, rotate)(float *heads, int count, const float *cosines, const float *sines,
                     int head_dim) {
  int half = head_dim / 2;
  for (int h = 0; h < count; h++, heads += head_dim) {
    for (int i = 0; i < half; i += LANES) {
      int some = half - i;
      floats cosine = load_some(cosines + i, some);
      floats sine = load_some(sines + i, some);
      floats low = load_some(heads + i, some);
      floats high = load_some(heads + half + i, some);
      store_some(heads + i, low * cosine - high * sine, some);
      store_some(heads + half + i, high * cosine + low * sine, some);
    }
  }
}

EXPORT(void, to_half)(const float *x, int count, uint16_t *halves) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) {
    store_half(halves + i, load(x + i));
  }
  if (i < count) {
    uint16_t part[LANES];
    store_half(part, load_some(x + i, count - i));
    memcpy(halves + i, part, sizeof(uint16_t) * (size_t)(count - i));
  }
}
