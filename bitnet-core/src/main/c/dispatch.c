// Which of the instruction sets that this library was built with run on this processor. WITH_AMX is
// defined if AMX is one of them.

#ifdef WITH_AMX
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#else
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)

static uint64_t enabled_states(void) {
  uint32_t low;
  uint32_t high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

#ifdef WITH_AMX

// Linux saves the tile registers, a large state, only of processes that ask for them.
static int may_use_tiles(void) {
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#else

static int may_use_tiles(void) { return 0; }

#endif

static const char *sets(void) {
  enum {
    // leaf 1, ecx
    FMA = 1 << 12, OSXSAVE = 1 << 27, F16C = 1 << 29,
    // leaf 7, ebx, ecx and edx
    AVX2 = 1 << 5, AVX512F = 1 << 16, AVX512BW = 1 << 30, VNNI = 1 << 11,
    AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25,
    // registers that the operating system saves
    YMM = 0x06, ZMM = 0xe6, TILES = 0x60000
  };
  const uint32_t avx512vl = UINT32_C(1) << 31;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE) || !(c & FMA) || !(c & F16C)) {
    return "";
  }
  uint64_t states = enabled_states();
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & AVX2) || (states & YMM) != YMM) {
    return "";
  }
  int wide = (b & AVX512F) && (b & AVX512BW) && (b & avx512vl) && (c & VNNI);
  if (!wide || (states & ZMM) != ZMM) {
    return "avx2";
  }
  int tiles = (d & AMX_TILE) && (d & AMX_INT8) && (states & TILES) == TILES;
  return tiles && may_use_tiles() ? "amx avx512vnni avx2" : "avx512vnni avx2";
}

#elif defined(__APPLE__)

static const char *sets(void) {
  int present = 0;
  size_t size = sizeof(present);
  int failed = sysctlbyname("hw.optional.arm.FEAT_DotProd", &present, &size, 0, 0);
  return !failed && present ? "neon" : "";
}

#else

static const char *sets(void) {
  const unsigned long dot_products = 1UL << 20;  // HWCAP_ASIMDDP
  return getauxval(AT_HWCAP) & dot_products ? "neon" : "";
}

#endif

// The prefixes of their functions, the fastest first, a space between two.
__attribute__((visibility("default"))) const char *bitnet_instruction_sets(void) { return sets(); }
