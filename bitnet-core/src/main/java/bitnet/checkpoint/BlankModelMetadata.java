package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFields;
import bitnet.format.JsonFile;
import bitnet.model.LatentInitializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Optional;

/// The part of config.json's object `bitnet` that says which form the directory has and how the
/// latents of a blank model are made.
final class BlankModelMetadata {
  /// Of directories without group scales.
  static final int VERSION = 1;

  /// The first with group scales.
  static final int GROUP_VERSION = 2;

  static final String FORMAT = "format_version";
  private static final String BLANK = "blank";
  private static final String SEED = "seed";
  private static final String DEVIATION = "initializer_range";

  private BlankModelMetadata() {}

  static ObjectNode none() {
    return JsonFile.MAPPER.createObjectNode().put(FORMAT, VERSION).put(BLANK, false);
  }

  static ObjectNode of(LatentInitializer initializer) {
    return none()
        .put(BLANK, true)
        .put(SEED, initializer.seed())
        .put(DEVIATION, initializer.deviation());
  }

  /// The initializer of a blank model.
  ///
  /// @param file config.json, for messages
  static Optional<LatentInitializer> read(Path file, ObjectNode toolkit)
      throws CheckpointException {
    JsonFields fields = new JsonFields(file, "bitnet.", toolkit);
    fields.integer(FORMAT, VERSION, GROUP_VERSION);
    if (!fields.flag(BLANK, false)) {
      return Optional.empty();
    }
    JsonNode seed = toolkit.path(SEED);
    if (!seed.isIntegralNumber() || !seed.canConvertToLong()) {
      throw fields.fault(SEED, "a blank model needs a whole number of 64 bits");
    }
    double deviation = fields.number(DEVIATION, LatentInitializer.DEFAULT_DEVIATION);
    try {
      return Optional.of(new LatentInitializer(seed.longValue(), deviation));
    } catch (IllegalArgumentException invalid) {
      throw new CheckpointException(file, String.valueOf(invalid.getMessage()), invalid);
    }
  }
}
