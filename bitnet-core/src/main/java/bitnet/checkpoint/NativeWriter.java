package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.model.LatentWeights;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/// Writes [ModelDirectory]: stored trits and scales as they are; latents ternarized, and kept in
/// fp32 for further training.
final class NativeWriter implements ModelWriter {

  @Override
  public List<String> write(
      Path target, ModelSource source, ModelDirectory.Existing existing, LongConsumer progress)
      throws IOException {
    LatentWeights weights = source.weights();
    if (source.stored().isNative()) {
      throw new IllegalArgumentException(
          "%s is a model directory of this toolkit already; copy it, or choose another format"
              .formatted(source.path()));
    }
    ModelDirectoryWriter writer =
        new ModelDirectoryWriter(weights.config(), source.tokenizerAssets(), existing, progress);
    List<String> remarks = new ArrayList<>(source.remarks());
    if (weights.hasLatents()) {
      writer.write(target, weights::read, BlankModelMetadata.none(), true);
      remarks.add("the latent weights are kept in " + ModelDirectory.MASTER);
    } else {
      writer.write(target, source.ternary());
    }
    if (isRounded(source)) {
      remarks.add("embeddings, norms and head are rounded to bfloat16");
    }
    return remarks;
  }

  private static boolean isRounded(ModelSource source) throws IOException {
    for (TensorSpec tensor : source.weights().config().tensors()) {
      if (tensor.kind() != TensorSpec.Kind.TERNARY
          && !source.storage(tensor).type().equals(DType.BF16.name())) {
        return true;
      }
    }
    return false;
  }
}
