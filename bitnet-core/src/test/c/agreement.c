// Compares the kernels of one instruction set, SET, with plain loops: for sets that this machine
// lacks, under an emulator. The kernels that it has are compared in KernelAgreementTest.

#include "kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#define CALL(function) JOIN(SET, function)

enum { MOST_TOKENS = 35, GUARD = 3 };
static const float untouched = -12345.0f;

static uint32_t state = 12345;

static int any(int first, int last) {
  state = state * 1664525u + 1013904223u;
  return first + (int)((state >> 8) % (uint32_t)(last - first + 1));
}

static float any_float(float magnitude) {
  return magnitude * (float)any(-10000, 10000) / 10000.0f;
}

static void *memory(size_t bytes) {
  void *result = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!result) {
    exit(2);
  }
  return memset(result, 0, bytes);
}

static float *some_floats(int count, float magnitude) {
  float *values = memory(sizeof(float) * (size_t)count);
  for (int i = 0; i < count; i++) {
    values[i] = any_float(magnitude);
  }
  return values;
}

static void check(const char *what, int detail, int index, double actual, double expected,
                  double tolerance) {
  if (!(fabs(actual - expected) <= tolerance)) {
    printf("%s %s of %d: value %d is %.9g, not %.9g\n", TEXT(SET), what, detail, index, actual,
           expected);
    exit(1);
  }
}

typedef struct {
  int stride;
  int8_t *activations;
  float *activation_scales;
  int32_t *sums;
} activations;

// All activations are `fixed`, or any if that is not a code.
static activations some_activations(int tokens, int columns, int fixed) {
  activations x;
  x.stride = (columns + 63) / 64 * 64;
  x.activations = memory((size_t)((tokens + 15) / 16 * 16 * x.stride));
  memset(x.activations + tokens * x.stride, 77, (size_t)((15 - (tokens + 15) % 16) * x.stride));
  x.activation_scales = some_floats(tokens, 0.1f);
  x.sums = memory(sizeof(int32_t) * (size_t)tokens);
  for (int t = 0; t < tokens; t++) {
    for (int k = 0; k < columns; k++) {
      int code = fixed < -128 ? any(-128, 127) : fixed;
      x.activations[t * x.stride + k] = (int8_t)code;
      x.sums[t] += code;
    }
  }
  return x;
}

static void free_activations(activations x) {
  free(x.activations);
  free(x.activation_scales);
  free(x.sums);
}

static float *some_output(int tokens, int rows) {
  float *out = memory(sizeof(float) * (size_t)(tokens * (rows + GUARD)));
  for (int i = 0; i < tokens * (rows + GUARD); i++) {
    out[i] = untouched;
  }
  return out;
}

// Sums of a product must be exact, and the columns behind it untouched.
static void check_output(const char *what, const float *out, const int32_t *sums, int tokens,
                         int rows, int columns, const float *scales,
                         const float *activation_scales) {
  for (int t = 0; t < tokens; t++) {
    for (int r = 0; r < rows + GUARD; r++) {
      float expected =
          r < rows ? (float)sums[t * rows + r] * activation_scales[t] * scales[r] : untouched;
      check(what, columns, t * rows + r, out[t * (rows + GUARD) + r], expected, 0);
    }
  }
}

static void ternary(int rows, int columns, int tokens, int fixed_trit, int fixed_code) {
  int chunks = (columns + CHUNK_COLUMNS - 1) / CHUNK_COLUMNS;
  int tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  uint8_t *packed = memory((size_t)(tiles * chunks * CHUNK_BYTES));
  uint8_t *packed_by_kernel = memory((size_t)(tiles * chunks * CHUNK_BYTES));
  int8_t *trits = memory((size_t)(tiles * TILE_ROWS * columns));
  float *scales = some_floats(tiles * TILE_ROWS, 1.0f);
  activations x = some_activations(tokens, columns, fixed_code);
  int32_t *sums = memory(sizeof(int32_t) * (size_t)(tokens * rows));
  for (int r = 0; r < rows; r++) {
    for (int k = 0; k < columns; k++) {
      int trit = fixed_trit < -1 ? any(-1, 1) : fixed_trit;
      trits[r * columns + k] = (int8_t)trit;
      int column = k % CHUNK_COLUMNS;
      int chunk = r / TILE_ROWS * chunks + k / CHUNK_COLUMNS;
      packed[chunk * CHUNK_BYTES + r % TILE_ROWS * 4 + column % 4] |=
          (uint8_t)((trit + 1) << (2 * (column / 4)));
      for (int t = 0; t < tokens; t++) {
        sums[t * rows + r] += trit * x.activations[t * x.stride + k];
      }
    }
  }
  for (int tile = 0; tile < tiles; tile++) {
    CALL(pack_tile)(trits + tile * TILE_ROWS * columns, columns,
                    packed_by_kernel + tile * chunks * CHUNK_BYTES);
  }
  for (int r = 0; r < rows; r++) {
    for (int k = 0; k < columns; k++) {
      int column = k % CHUNK_COLUMNS;
      int chunk = r / TILE_ROWS * chunks + k / CHUNK_COLUMNS;
      int place = chunk * CHUNK_BYTES + r % TILE_ROWS * 4 + column % 4;
      int shift = 2 * (column / 4);
      check("packing", columns, r, packed_by_kernel[place] >> shift & 3, packed[place] >> shift & 3,
            0);
    }
  }
  float *out = some_output(tokens, rows);
  CALL(ternary)
  (packed, scales, columns, x.activations, x.stride, x.activation_scales, x.sums, tokens, 0, rows,
   out, rows + GUARD);
  check_output("ternary", out, sums, tokens, rows, columns, scales, x.activation_scales);
  free(packed);
  free(packed_by_kernel);
  free(trits);
  free(scales);
  free_activations(x);
  free(sums);
  free(out);
}

static void int8(int rows, int columns, int tokens, int fixed_code) {
  activations x = some_activations(tokens, columns, fixed_code);
  int8_t *weights = memory((size_t)(rows * x.stride));
  float *scales = some_floats(rows, 1.0f);
  int32_t *row_sums = memory(sizeof(int32_t) * (size_t)rows);
  int32_t *sums = memory(sizeof(int32_t) * (size_t)(tokens * rows));
  for (int r = 0; r < rows; r++) {
    for (int k = 0; k < columns; k++) {
      int weight = r % 3 == 0 ? 127 : any(-127, 127);
      weights[r * x.stride + k] = (int8_t)weight;
      row_sums[r] += weight;
      for (int t = 0; t < tokens; t++) {
        sums[t * rows + r] += weight * x.activations[t * x.stride + k];
      }
    }
  }
  float *out = some_output(tokens, rows);
  CALL(int8)
  (weights, scales, row_sums, x.activations, x.stride, x.activation_scales, tokens, 0, rows, out,
   rows + GUARD);
  check_output("int8", out, sums, tokens, rows, columns, scales, x.activation_scales);
  free_activations(x);
  free(weights);
  free(scales);
  free(row_sums);
  free(sums);
  free(out);
}

static void int4(int rows, int groups, int tokens) {
  activations x = some_activations(tokens, groups * GROUP_COLUMNS, -999);
  uint8_t *nibbles = memory((size_t)(rows * groups * GROUP_BYTES));
  float *scales = some_floats(rows * groups, 1.0f);
  for (int i = 0; i < rows * groups * GROUP_BYTES; i++) {
    nibbles[i] = (uint8_t)(any(1, 15) | any(1, 15) << 4);
  }
  float *out = some_output(tokens, rows);
  CALL(int4)
  (nibbles, scales, groups, x.activations, x.activation_scales, tokens, 0, rows, out, rows + GUARD);
  for (int t = 0; t < tokens; t++) {
    for (int r = 0; r < rows; r++) {
      double expected = 0;
      double magnitude = 0;
      for (int k = 0; k < groups * GROUP_COLUMNS; k++) {
        int group = r * groups + k / GROUP_COLUMNS;
        int place = k % GROUP_COLUMNS;
        int pair = nibbles[group * GROUP_BYTES + place % GROUP_BYTES];
        int weight = (place < GROUP_BYTES ? pair & 15 : pair >> 4) - 8;
        double product = (double)scales[group] * weight * x.activations[t * x.stride + k];
        expected += product * x.activation_scales[t];
        magnitude += fabs(product * x.activation_scales[t]);
      }
      check("int4", groups, r, out[t * (rows + GUARD) + r], expected, 1e-6 * magnitude);
    }
  }
  free_activations(x);
  free(nibbles);
  free(scales);
  free(out);
}

static void fp32(int rows, int columns, int tokens) {
  float *weights = some_floats(rows * columns, 1.0f);
  float *x = some_floats(tokens * columns, 1.0f);
  float *out = some_output(tokens, rows);
  CALL(fp32)(weights, columns, x, tokens, 0, rows, out, rows + GUARD);
  for (int t = 0; t < tokens; t++) {
    for (int r = 0; r < rows; r++) {
      double expected = 0;
      for (int k = 0; k < columns; k++) {
        expected += (double)weights[r * columns + k] * x[t * columns + k];
      }
      check("fp32", columns, r, out[t * (rows + GUARD) + r], expected, 1e-6 * columns);
    }
  }
  free(weights);
  free(x);
  free(out);
}

static void quantize(int columns, float magnitude) {
  float *x = some_floats(columns, magnitude);
  int8_t *activations = memory((size_t)columns + 1);
  activations[columns] = 77;
  float activation_scale = 0;
  int32_t sum = 0;
  float maximum = 1e-5f;
  for (int k = 0; k < columns; k++) {
    maximum = fmaxf(maximum, fabsf(x[k]));
  }
  check("maximum", columns, 0, CALL(quantize)(x, columns, activations, &activation_scale, &sum),
        maximum, 0);
  float multiplier = 127.0f / maximum;
  int expected_sum = 0;
  for (int k = 0; k < columns; k++) {
    float product = x[k] * multiplier;
    int code = (int)nearbyintf(product);
    expected_sum += code;
    check("code", columns, k, activations[k], code, 0);
  }
  check("byte behind the activations", columns, columns, activations[columns], 77, 0);
  check("activation_scale", columns, 0, activation_scale, 1.0f / multiplier, 0);
  check("sum", columns, 0, sum, expected_sum, 0);
  x[any(0, columns - 1)] = any(0, 1) ? NAN : INFINITY;
  check("refusal", columns, 0,
        isfinite(CALL(quantize)(x, columns, activations, &activation_scale, &sum)), 0, 0);
  free(x);
  free(activations);
}

// Groups are quantized as if each were alone.
static void quantize_groups(int groups, int group_columns) {
  enum { CAPACITY = 3 };
  int columns = groups * group_columns;
  float *x = some_floats(columns, 2.0f);
  int8_t *activations = memory((size_t)columns);
  int8_t *alone = memory((size_t)group_columns);
  float *scales = some_floats(groups * CAPACITY, 1.0f);
  int32_t *sums = memory(sizeof(int32_t) * (size_t)(groups * CAPACITY));
  CALL(quantize_groups)(x, columns, group_columns, activations, scales, sums, CAPACITY);
  for (int g = 0; g < groups; g++) {
    float scale = 0;
    int32_t sum = 0;
    CALL(quantize)(x + g * group_columns, group_columns, alone, &scale, &sum);
    check("group scale", columns, g, scales[g * CAPACITY], scale, 0);
    check("group sum", columns, g, sums[g * CAPACITY], sum, 0);
    for (int k = 0; k < group_columns; k++) {
      check("group code", columns, k, activations[g * group_columns + k], alone[k], 0);
    }
  }
  x[any(0, group_columns - 1)] = NAN;
  check("refusal of groups", columns, 0,
        isfinite(CALL(quantize_groups)(x, columns, group_columns, activations, scales, sums,
                                       CAPACITY)),
        0, 0);
  free(x);
  free(activations);
  free(alone);
  free(scales);
  free(sums);
}

static void normalize(int count) {
  float *x = some_floats(count, 3.0f);
  float *gain = some_floats(count, 1.0f);
  float *out = some_output(1, count);
  double squares = 0;
  for (int i = 0; i < count; i++) {
    squares += (double)x[i] * x[i];
  }
  CALL(normalize)(x, gain, count, 1e-5f, out);
  for (int i = 0; i < count; i++) {
    double expected = x[i] / sqrt(squares / count + 1e-5f) * gain[i];
    check("normalize", count, i, out[i], expected, 1e-5);
  }
  check("normalize", count, count, out[count], untouched, 0);
  free(x);
  free(gain);
  free(out);
}

static void gates(int count) {
  float *gate = some_floats(count, 30.0f);
  float *up = some_floats(count, 1.0f);
  float *out = some_output(1, count);
  CALL(silu_gate)(gate, up, count, out);
  for (int i = 0; i < count; i++) {
    double expected = gate[i] / (1 + exp(-(double)gate[i])) * up[i];
    check("silu", count, i, out[i], expected, 1e-6 * fabs(expected) + 1e-30);
  }
  CALL(squared_relu_gate)(gate, up, count, out);
  for (int i = 0; i < count; i++) {
    float positive = gate[i] > 0 ? gate[i] : 0;
    check("squared relu", count, i, out[i], positive * positive * up[i], 0);
  }
  check("gate", count, count, out[count], untouched, 0);
  free(gate);
  free(up);
  free(out);
}

// The half of a float that needs no rounding: sixteenths below 4.
static uint16_t half_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return value == 0 ? 0
                    : (uint16_t)((bits >> 16 & 0x8000) |
                                 (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
}

static void rotate(int head_dim, int heads) {
  int half = head_dim / 2;
  float *cosines = some_floats(half, 1.0f);
  float *sines = some_floats(half, 1.0f);
  float *x = some_floats(heads * head_dim, 1.0f);
  float *out = some_output(1, heads * head_dim);
  memcpy(out, x, sizeof(float) * (size_t)(heads * head_dim));
  CALL(rotate)(out, heads, cosines, sines, head_dim);
  for (int i = 0; i < heads * head_dim; i++) {
    int place = i % head_dim;
    int low = place < half;
    float other = low ? -x[i + half] : place < 2 * half ? x[i - half] : 0;
    int angle = low ? place : place - half;
    float expected = place < 2 * half ? x[i] * cosines[angle] + other * sines[angle] : x[i];
    check("rotation", head_dim, i, out[i], expected, 1e-6);
  }
  check("rotation", head_dim, heads * head_dim, out[heads * head_dim], untouched, 0);
  free(cosines);
  free(sines);
  free(x);
  free(out);
}

static void add_and_halve(int count) {
  float *x = memory(sizeof(float) * (size_t)count);
  float *sum = some_output(1, count);
  uint16_t *halves = memory(sizeof(uint16_t) * (size_t)(count + 1));
  halves[count] = 77;
  for (int i = 0; i < count; i++) {
    x[i] = (float)any(-32, 32) / 16;
    sum[i] = (float)i;
  }
  CALL(add)(x, count, sum);
  CALL(to_half)(x, count, halves);
  for (int i = 0; i < count; i++) {
    check("sum", count, i, sum[i], (float)i + x[i], 0);
    check("half", count, i, halves[i], half_of(x[i]), 0);
  }
  check("sum", count, count, sum[count], untouched, 0);
  check("half", count, count, halves[count], 77, 0);
  free(x);
  free(sum);
  free(halves);
}

// Rows that have their first own positions in common, or only the shared ones.
static void attend(int half, int head_dim, int positions, int heads, int rows, int same) {
  enum { MOST_ROWS = 4 };
  int cached = positions * head_dim;
  int shared = positions / 3;
  size_t start = (size_t)(shared * head_dim);
  float *queries = some_floats(rows * heads * head_dim, 1.0f);
  float *keys[MOST_ROWS];
  float *values[MOST_ROWS];
  uint16_t *half_keys[MOST_ROWS];
  uint16_t *half_values[MOST_ROWS];
  float *scores = some_output(1, 4 * positions);
  float *out = some_output(1, rows * heads * head_dim);
  attention_query all[MOST_ROWS];
  for (int r = 0; r < rows; r++) {
    keys[r] = memory(sizeof(float) * (size_t)cached);
    values[r] = memory(sizeof(float) * (size_t)cached);
    half_keys[r] = memory(sizeof(uint16_t) * (size_t)cached);
    half_values[r] = memory(sizeof(uint16_t) * (size_t)cached);
    for (int i = 0; i < cached; i++) {
      int first = r > 0 && (same || i < (int)start);
      keys[r][i] = first ? keys[0][i] : (float)any(-32, 32) / 16;
      values[r][i] = first ? values[0][i] : (float)any(-32, 32) / 16;
      half_keys[r][i] = half_of(keys[r][i]);
      half_values[r][i] = half_of(values[r][i]);
    }
    int source = same ? 0 : r;
    all[r].queries = queries + r * heads * head_dim;
    all[r].out = out + r * heads * head_dim;
    all[r].keys = half ? (void *)(half_keys[source] + start) : (void *)(keys[source] + start);
    all[r].values =
        half ? (void *)(half_values[source] + start) : (void *)(values[source] + start);
    all[r].own = positions - shared - (rows - 1 - r);
  }
  int common = rows == 1 || same ? (int)all[0].own : 0;
  for (int r = 0; r < rows; r++) {
    common = all[r].own < common ? (int)all[r].own : common;
  }
  CALL(attend)(all, rows, heads, half ? (void *)half_keys[0] : (void *)keys[0],
               half ? (void *)half_values[0] : (void *)values[0], shared, common, half, head_dim,
               0.3f, scores);
  double *weights = memory(sizeof(double) * (size_t)positions);
  for (int i = 0; i < rows * heads; i++) {
    int r = i / heads;
    int seen = shared + (int)all[r].own;
    double mass = 0;
    for (int p = 0; p < seen; p++) {
      double dot = 0;
      for (int d = 0; d < head_dim; d++) {
        dot += (double)queries[i * head_dim + d] * keys[r][p * head_dim + d];
      }
      mass += weights[p] = exp(0.3f * dot);
    }
    for (int d = 0; d < head_dim; d++) {
      double expected = 0;
      for (int p = 0; p < seen; p++) {
        expected += weights[p] / mass * values[r][p * head_dim + d];
      }
      check(half ? "fp16 attention" : "fp32 attention", head_dim, i, out[i * head_dim + d],
            expected, 2e-5);
    }
  }
  check("scores", head_dim, 0, scores[4 * positions], untouched, 0);
  check("attention", head_dim, 0, out[rows * heads * head_dim], untouched, 0);
  for (int r = 0; r < rows; r++) {
    free(keys[r]);
    free(values[r]);
    free(half_keys[r]);
    free(half_values[r]);
  }
  free(queries);
  free(scores);
  free(out);
  free(weights);
}

// Ternary weights with a scale for every group of columns.
static void ternary_groups(int rows, int groups, int group_columns, int tokens) {
  int columns = groups * group_columns;
  int tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  int tile_bytes = columns / CHUNK_COLUMNS * CHUNK_BYTES;
  int capacity = tokens + 2;
  uint8_t *packed = memory((size_t)(tiles * tile_bytes));
  int8_t *trits = memory((size_t)(tiles * TILE_ROWS * columns));
  uint16_t *scales = memory(sizeof(uint16_t) * (size_t)(tiles * groups * TILE_ROWS));
  float *scale_values = some_floats(tiles * groups * TILE_ROWS, 1.0f);
  activations x = some_activations(tokens, columns, -999);
  float *activation_scales = some_floats(groups * capacity, 0.1f);
  int32_t *sums = memory(sizeof(int32_t) * (size_t)(groups * capacity));
  for (int i = 0; i < rows * columns; i++) {
    trits[i] = (int8_t)any(-1, 1);
  }
  for (int i = 0; i < tiles * groups * TILE_ROWS; i++) {
    scale_values[i] = (float)any(1, 63) / 16;
    scales[i] = half_of(scale_values[i]);
  }
  for (int tile = 0; tile < tiles; tile++) {
    CALL(pack_tile)(trits + tile * TILE_ROWS * columns, columns, packed + tile * tile_bytes);
  }
  for (int t = 0; t < tokens; t++) {
    for (int k = 0; k < columns; k++) {
      sums[k / group_columns * capacity + t] += x.activations[t * x.stride + k];
    }
  }
  float *out = some_output(tokens, rows);
  CALL(ternary_groups)
  (packed, scales, columns, group_columns, x.activations, x.stride, activation_scales, sums,
   capacity, tokens, 0, rows, out, rows + GUARD);
  for (int t = 0; t < tokens; t++) {
    for (int r = 0; r < rows + GUARD; r++) {
      double expected = 0;
      double magnitude = 1;
      for (int k = 0; r < rows && k < columns; k++) {
        int g = k / group_columns;
        double scale = (double)activation_scales[g * capacity + t] *
                       scale_values[(r / TILE_ROWS * groups + g) * TILE_ROWS + r % TILE_ROWS];
        double part = trits[r * columns + k] * x.activations[t * x.stride + k] * scale;
        expected += part;
        magnitude += fabs(part);
      }
      check("ternary groups", columns, t * rows + r, out[t * (rows + GUARD) + r],
            r < rows ? expected : untouched, r < rows ? 1e-6 * magnitude : 0);
    }
  }
  free(packed);
  free(trits);
  free(scales);
  free(scale_values);
  free_activations(x);
  free(activation_scales);
  free(sums);
  free(out);
}

int main(void) {
  const int any_value = -999;
  for (int columns = 1; columns <= 300; columns++) {
    ternary(1 + columns * 7 % 71, columns, 1 + columns % 9, any_value, any_value);
    int8(1 + columns * 5 % 71, columns, 1 + columns % 9, any_value);
    fp32(1 + columns % 7, columns, 1 + columns % 6);
    quantize(columns, columns % 2 ? 3.0f : 1e-6f);
    quantize_groups(1 + columns % 5, columns);
    normalize(columns);
    gates(columns);
    rotate(columns, 1 + columns % 3);
    add_and_halve(columns);
  }
  for (int code = -128; code <= 127; code += 255) {
    for (int trit = -1; trit <= 1; trit++) {
      ternary(32, 14000, 1, trit, code);
      ternary(33, 14000, 5, trit, code);
    }
    int8(5, 14000, 5, code);
    int8(33, 4096, 5, code);
    int8(33, 4112, 5, code);
  }
  ternary(33, 40, 150, any_value, any_value);
  ternary_groups(33, 2, 64, 150);
  for (int tokens = 1; tokens <= MOST_TOKENS; tokens++) {
    ternary(67, 530, tokens, any_value, any_value);
    int8(67, 130, tokens, any_value);
    ternary_groups(67, 1 + tokens % 4, tokens % 2 ? 64 : 128, tokens);
    int4(1 + tokens % 9, 1 + tokens % 4, tokens);
  }
  for (int head_dim = 1; head_dim <= 70; head_dim += 3) {
    for (int positions = 1; positions <= 37; positions += 6) {
      int heads = 1 + positions % 5;
      int rows = 1 + head_dim / 3 % 4;
      attend(0, head_dim, positions, heads, 1, 0);
      attend(1, head_dim, positions, heads, 1, 0);
      attend(0, head_dim, positions + 3, heads, rows, positions % 2);
      attend(1, head_dim, positions + 3, heads, rows, positions / 6 % 2);
    }
  }
  printf("%s agrees\n", TEXT(SET));
  return 0;
}
