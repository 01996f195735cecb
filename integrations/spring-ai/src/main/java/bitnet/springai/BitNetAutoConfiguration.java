package bitnet.springai;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.generation.ChatEngine;
import bitnet.runtime.RuntimeSettings;
import java.io.IOException;
import java.nio.file.Path;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/// Opens the model of `spring.ai.bitnet.model-path`, if there is such a property, and closes it
/// with the application.
@AutoConfiguration
@ConditionalOnProperty("spring.ai.bitnet.model-path")
@EnableConfigurationProperties(BitNetProperties.class)
public class BitNetAutoConfiguration {

  /// The model in memory.
  ///
  /// @throws IOException if it is missing or damaged
  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean(ChatEngine.class)
  public BatchedModel bitNetEngine(BitNetProperties properties) throws IOException {
    Path path = properties.modelPath();
    if (path == null) {
      throw new IllegalArgumentException("spring.ai.bitnet.model-path is empty; name a model");
    }
    return BatchedModel.open(
        path,
        RuntimeSettings.fastest(),
        new BatchSettings(
            properties.slots(),
            properties.prefillChunk(),
            (long) properties.prefixCacheMib() << 20));
  }

  /// The chat model over it.
  @Bean
  @ConditionalOnMissingBean(ChatModel.class)
  public BitNetChatModel bitNetChatModel(ChatEngine engine, BitNetProperties properties) {
    return new BitNetChatModel(
        engine,
        ChatOptions.builder()
            .model(properties.model())
            .temperature(properties.temperature())
            .maxTokens(properties.maxTokens())
            .build());
  }
}
