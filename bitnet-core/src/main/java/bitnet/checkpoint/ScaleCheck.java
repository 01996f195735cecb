package bitnet.checkpoint;

import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Tells a scale from its inverse, which the two linear classes of transformers store.
///
/// A layer's gain is the size of its outputs for inputs of size 1 before their norm's gain:
/// `g = scale * sqrt(columns * share of weights that are not 0) * rms(norm gain)`. Trained layers
/// have gains around 1; one that is far from 1, and would be near with the inverse scale, is
/// inverted.
///
/// @param tensors every parameter that could be read
record ScaleCheck(List<TensorInspection> tensors) {
  private static final double TENFOLD = Math.log(10);
  private static final Map<String, String> NORMS =
      Map.of(
          "self_attn.q_proj.weight", "input_layernorm.weight",
          "self_attn.k_proj.weight", "input_layernorm.weight",
          "self_attn.v_proj.weight", "input_layernorm.weight",
          "self_attn.o_proj.weight", "self_attn.attn_sub_norm.weight",
          "mlp.gate_proj.weight", "post_attention_layernorm.weight",
          "mlp.up_proj.weight", "post_attention_layernorm.weight",
          "mlp.down_proj.weight", "mlp.ffn_sub_norm.weight");

  /// One linear layer.
  private record Layer(String name, String projection, double scale, double gain) {

    boolean seemsInverted() {
      double inverted = gain / (scale * scale);
      return scale > 1 && Math.abs(Math.log(gain)) > Math.abs(Math.log(inverted)) + TENFOLD;
    }

    /// Whether the scale is near the inverse of what the same projection has in other layers.
    boolean invertsIts(double median) {
      return Math.abs(Math.log(scale * median)) < Math.log(3)
          && Math.abs(Math.log(scale / median)) > TENFOLD;
    }
  }

  /// One line for all layers if most are inverted, else one for each that is.
  List<String> findings() {
    List<Layer> layers = layers();
    List<Layer> inverted = layers.stream().filter(Layer::seemsInverted).toList();
    if (!inverted.isEmpty() && 2 * inverted.size() > layers.size()) {
      double median = median(layers.stream().map(Layer::scale).toList());
      return List.of(
          String.format(
              Locale.ROOT,
              "weight_scale: the scales seem inverted: their median is %.4g, while the weights and"
                  + " norms suggest %.4g; bitlinear stores 1 / mean|W|, autobitlinear mean|W|, so"
                  + " check linear_class in config.json",
              median,
              1 / median));
    }
    List<String> findings = new ArrayList<>();
    Map<String, Double> medians = medians(layers);
    for (Layer layer : layers) {
      double median = medians.getOrDefault(layer.projection(), layer.scale());
      if (layer.seemsInverted() || layer.invertsIts(median)) {
        findings.add(
            String.format(
                Locale.ROOT,
                "%s: the scale %.4g seems inverted: %.4g fits the layer's weights and its"
                    + " neighbours; get the file again",
                layer.name(),
                layer.scale(),
                1 / layer.scale()));
      }
    }
    return findings;
  }

  private List<Layer> layers() {
    Map<String, Double> norms = new HashMap<>();
    for (TensorInspection each : tensors) {
      if (each.content() instanceof TensorInspection.Floats floats) {
        norms.put(each.tensor().name(), floats.rootMeanSquare());
      }
    }
    List<Layer> layers = new ArrayList<>();
    for (TensorInspection each : tensors) {
      if (each.content() instanceof TensorInspection.Ternary trits && trits.zeroShare() < 1) {
        TensorSpec tensor = each.tensor();
        String projection = tensor.name().replaceFirst("^model\\.layers\\.\\d+\\.", "");
        String prefix = tensor.name().substring(0, tensor.name().length() - projection.length());
        Double inner = norms.get(LlamaConfig.linearNormName(tensor.name()));
        double norm =
            inner != null
                ? inner
                : norms.getOrDefault(prefix + NORMS.getOrDefault(projection, ""), 1.0);
        double size = Math.sqrt(tensor.columns() * (1 - trits.zeroShare()));
        layers.add(
            new Layer(tensor.name(), projection, trits.scale(), trits.scale() * size * norm));
      }
    }
    return layers;
  }

  private static Map<String, Double> medians(List<Layer> layers) {
    Map<String, List<Double>> scales = new HashMap<>();
    for (Layer layer : layers) {
      scales.computeIfAbsent(layer.projection(), name -> new ArrayList<>()).add(layer.scale());
    }
    Map<String, Double> medians = new HashMap<>();
    scales.forEach(
        (projection, values) -> {
          if (values.size() >= 3) { // two cannot tell which of them is wrong
            medians.put(projection, median(values));
          }
        });
    return medians;
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().skip(values.size() / 2).findFirst().orElse(1.0);
  }
}
