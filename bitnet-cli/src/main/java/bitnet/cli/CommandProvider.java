package bitnet.cli;

/// A command of a module that the command line does not depend on, found by `ServiceLoader`. It
/// takes the place of the built-in command of its name, which says how to get the module.
public interface CommandProvider {

  /// The name of the command.
  String name();

  /// The class with the `@Command` annotation.
  Class<?> command();
}
