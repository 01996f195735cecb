package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.device.ProcessorFeatures;
import bitnet.device.SystemMemory;
import bitnet.graph.DeviceSelector;
import bitnet.kernel.KernelSelector;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `bitnet doctor`: what this machine offers and what the toolkit makes of it.
@Command(
    name = "doctor",
    description =
        "Show the features of this machine, and which kernels and device are selected "
            + "and why.",
    sortOptions = false)
public final class Doctor implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private Doctor() {}

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Runtime jvm = Runtime.getRuntime();
    line(out, "java", "%s, %s".formatted(Runtime.version(), System.getProperty("java.vm.name")));
    line(
        out,
        "system",
        "%s %s, %d processors"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                jvm.availableProcessors()));
    line(
        out,
        "memory",
        String.format(
            Locale.ROOT, "%,d MiB available", SystemMemory.current().availableBytes() / (1 << 20)));
    for (String reason : KernelSelector.reasons()) {
      line(out, "kernel", reason);
    }
    line(out, "device", new DeviceSelector().select("auto").reason());
    line(
        out,
        "training",
        ProcessorFeatures.current().hasBf16Products()
            ? "bf16, which the processor multiplies natively"
            : "fp32, since the processor has no bf16 products");
    return ExitCode.OK;
  }

  private static void line(PrintWriter out, String subject, String finding) {
    out.printf("%-9s %s%n", subject, finding);
  }
}
