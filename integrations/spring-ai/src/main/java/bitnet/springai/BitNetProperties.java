package bitnet.springai;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What an application's properties say of the model, under `spring.ai.bitnet`.
///
/// @param modelPath a model of any form that [bitnet.checkpoint.ModelSource] knows
/// @param model its name in responses
/// @param slots answers that are written together
/// @param prefillChunk tokens of prompts that are read between two tokens of other answers
/// @param prefixCacheMib memory for prompts and answers that later prompts may begin with, in MiB
/// @param temperature of answers whose prompt names none
/// @param maxTokens of answers whose prompt names none; as many as fit where it is absent
@ConfigurationProperties("spring.ai.bitnet")
public record BitNetProperties(
    @Nullable Path modelPath,
    @DefaultValue("bitnet") String model,
    @DefaultValue("8") int slots,
    @DefaultValue("64") int prefillChunk,
    @DefaultValue("512") int prefixCacheMib,
    @DefaultValue("1") double temperature,
    @Nullable Integer maxTokens) {}
