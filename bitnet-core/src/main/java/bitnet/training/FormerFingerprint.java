package bitnet.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The settings of a run as version 0.1.0 wrote them to `state.json`: one text made of records'
/// `toString()`, read here as [OptionValues].
final class FormerFingerprint {
  private static final Pattern CONFIG = Pattern.compile("LlamaConfig\\[(.*?)(?:\\]|$)");
  private static final Pattern PART = Pattern.compile("[^,\\[\\]]+(?:\\[[^\\]]*\\])?");

  /// What the text called the options, and their names; the first group is the value.
  private static final Map<String, String> OPTIONS =
      Map.ofEntries(
          Map.entry("(?:^|, )batch (\\d+)", "batch_size"),
          Map.entry(", seq (\\d+)", "seq_len"),
          Map.entry(", accumulation (\\d+)", "grad_accum"),
          Map.entry("decay=(\\w+)", "lr_schedule"),
          Map.entry("peak=([^,\\]]+)", "lr"),
          Map.entry("weightDecay=([^,\\]]+)", "weight_decay"),
          Map.entry("warmup=(\\d+)", "warmup"),
          Map.entry(", clip ([^,]+)", "max_grad_norm"),
          Map.entry("quant_warmup (\\d+)", "quant_warmup"),
          Map.entry("(\\w+) sampling", "sampling"),
          Map.entry(" seed (-?\\d+)", "seed"),
          Map.entry("seed=(-?\\d+)", "seed"),
          Map.entry(", (FP32|BF16(?:_ON_FP32)?),", "dtype"),
          Map.entry("(\\d+) training tokens", "training_tokens"),
          Map.entry(", group (\\d+)", "group_size"),
          Map.entry(", max_length (\\d+)", "max_length"),
          Map.entry("temperature=([^,]+)", "temperature"),
          Map.entry("topP=([^,]+)", "top_p"),
          Map.entry("scale_rewards (\\w+)", "scale_rewards"),
          Map.entry("type=(\\w+)", "loss_type"),
          Map.entry("epsilon=([^,]+)", "clip_eps"),
          Map.entry("epsilonHigh=([^,]+)", "epsilon_high"),
          Map.entry("beta=([^,]+)", "beta"),
          Map.entry("kl=(\\w+)", "kl"),
          Map.entry("importance=(\\w+)", "importance"),
          Map.entry("num_iterations (\\d+)", "num_iterations"),
          Map.entry("mask_truncated (\\w+)", "mask_truncated"),
          Map.entry("ref_sync (\\d+)", "ref_sync"),
          Map.entry("pass_tokens (\\d+)", "pass_tokens"),
          Map.entry("augmentation_size (\\d+)", "augmentation_size"),
          Map.entry("second_max_length (\\d+)", "second_max_length"),
          Map.entry("guidance ([0-9a-f]+)", "guiding_prompt"),
          Map.entry("VerifierSpec\\[name=([^,]+)", "verifier"),
          Map.entry("improvementThreshold=([^\\]]+)", "improvement_threshold"),
          Map.entry("buffer_size (\\d+)", "buffer_size"),
          Map.entry("replay_size (\\d+)", "replay_size"),
          Map.entry("rewards \\[([^\\]]*)\\]", "reward_model"),
          Map.entry("(\\d+) questions", "questions"));

  private FormerFingerprint() {}

  /// The options of a fingerprint.
  static Map<String, String> options(String fingerprint) {
    Map<String, String> options = new LinkedHashMap<>();
    boolean grpo = fingerprint.contains(" questions, ");
    Matcher config = CONFIG.matcher(fingerprint);
    if (config.find()) {
      ModelOptionValues.former(config.group(1)).forEach(options::put);
    }
    String rest = config.replaceAll("");
    for (Map.Entry<String, String> option : OPTIONS.entrySet()) {
      find(option.getKey(), rest)
          .ifPresent(value -> options.put(option.getValue(), value(option.getValue(), value)));
    }
    find("steps=(\\d+)", rest).ifPresent(steps -> options.put(grpo ? "steps" : "iters", steps));
    if (grpo) {
      options.put("two_layer", Boolean.toString(rest.contains("augmentation_size")));
    } else {
      options.put("completion_only_loss", Boolean.toString(rest.contains("with masked prompts")));
    }
    return options;
  }

  private static Optional<String> find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  private static String value(String option, String text) {
    return switch (option) {
      case "lr_schedule" -> text.equals("TwoStage") ? "two-stage" : lower(text);
      case "loss_type", "kl", "importance", "dtype" -> lower(text);
      case "reward_model" -> rewards(text);
      default -> number(text);
    };
  }

  private static String rewards(String text) {
    StringBuilder rewards = new StringBuilder();
    Matcher part = PART.matcher(text);
    while (part.find()) {
      String term = part.group().strip();
      int times = term.lastIndexOf('*');
      rewards
          .append(rewards.isEmpty() ? "" : " + ")
          .append(number(term.substring(times + 1)))
          .append('*')
          .append(term, 0, times);
    }
    return rewards.toString();
  }

  private static String lower(String text) {
    return text.toLowerCase(java.util.Locale.ROOT);
  }

  private static String number(String text) {
    try {
      return text.matches("-?\\d+|[0-9a-f]{8}")
          ? text
          : OptionValues.text(Double.parseDouble(text));
    } catch (NumberFormatException word) {
      return text;
    }
  }
}
