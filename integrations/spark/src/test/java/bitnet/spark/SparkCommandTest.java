package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Command;

class SparkCommandTest {
  static Stream<Class<?>> commands() {
    Class<?>[] commands = SparkCommand.class.getAnnotation(Command.class).subcommands();
    return Stream.concat(Arrays.stream(commands), Stream.of(SparkCommand.class));
  }

  /// picocli looks at all members of all commands, also where Spark is not on the class path.
  @ParameterizedTest
  @MethodSource("commands")
  void noMemberOfACommandHasATypeOfSpark(Class<?> command) {
    Stream<Class<?>> fields = Arrays.stream(command.getDeclaredFields()).map(Field::getType);
    Stream<Class<?>> results =
        Arrays.stream(command.getDeclaredMethods()).map(Method::getReturnType);
    Stream<Class<?>> parameters =
        Arrays.stream(command.getDeclaredMethods())
            .flatMap(method -> Arrays.stream(method.getParameterTypes()));

    assertThat(Stream.of(fields, results, parameters).flatMap(types -> types))
        .extracting(Class::getName)
        .isNotEmpty()
        .noneMatch(name -> name.matches("(scala|org\\.apache)\\..*"));
  }
}
