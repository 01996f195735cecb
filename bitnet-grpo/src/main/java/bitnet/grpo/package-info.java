/// Group Relative Policy Optimization (GRPO, arXiv 2402.03300) with one layer, or with a second
/// layer that learns to correct the answers of the first (MGRPO, arXiv 2506.04746).
@NullMarked
package bitnet.grpo;

import org.jspecify.annotations.NullMarked;
