package bitnet.model;

import java.io.IOException;

/// Runs models on devices that the packed runtime does not compute on, such as a GPU. Providers are
/// found with [java.util.ServiceLoader].
public interface LanguageModelProvider {

  /// Whether this provider serves a device; asked before a model is read.
  ///
  /// @param device the value of the setting `device`, for example `auto` or `cuda:1`
  /// @throws IllegalArgumentException if the device is named but not available here
  boolean serves(String device);

  /// Reads a model into the memory of the device. The calling thread uses it.
  ///
  /// @throws IOException if a weight is missing or damaged
  LanguageModel open(LatentWeights weights, ComputeSettings compute) throws IOException;

  /// As [#open], without quantization: a checkpoint that is not ternary computes what it did where
  /// it comes from.
  ///
  /// @throws IOException if a weight is missing or damaged
  LanguageModel openFullPrecision(LatentWeights weights, ComputeSettings compute)
      throws IOException;
}
