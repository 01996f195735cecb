// 512-bit kernels.

#define SET avx512vnni
#include "avx512.h"
