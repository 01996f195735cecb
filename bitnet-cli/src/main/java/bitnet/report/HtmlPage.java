package bitnet.report;

/// A page without scripts and without other files, readable on a telephone, in light and in dark.
public final class HtmlPage {

  /// The width of a plot in its own units; it is drawn as wide as there is room.
  public static final int PLOT_WIDTH = 340;

  private static final String STYLE =
      """
      :root { color-scheme: light dark; --text: #1b1f24; --back: #ffffff; --line: #d0d7de;
        --blue: #1f6feb; --grey: #c4cad1; --orange: #d1601f; --soft: #57606a; }
      @media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #0d1117;
        --line: #30363d; --blue: #58a6ff; --grey: #484f58; --orange: #f0883e; --soft: #9198a1; } }
      body { color: var(--text); background: var(--back); font: 15px/1.45 system-ui, sans-serif;
        max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
      h1 { font-size: 1.2rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
      p, figcaption { color: var(--soft); }
      .plots { display: grid; gap: 1rem;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
      figure { margin: 0; } figcaption { font-size: .85rem; }
      svg { width: 100%; height: auto; } svg text { fill: var(--text); font-size: 10px; }
      .minus { fill: var(--blue); } .zero { fill: var(--grey); } .plus { fill: var(--orange); }
      .curve { fill: none; stroke: var(--blue); stroke-width: 1.5; stroke-linejoin: round; }
      .dot { fill: var(--blue); } .axis { stroke: var(--line); }
      .other.curve { stroke: var(--orange); } .other.dot { fill: var(--orange); }
      .faint { stroke-width: 1; opacity: .55; } .dashed { stroke-dasharray: 4 3; }
      .plots strong { color: var(--text); } svg text.tick { fill: var(--soft); }
      .legend { display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: .8rem; }
      svg.key { width: 1.6rem; height: .6rem; margin-right: .3rem; }
      .blue { color: var(--blue); } .orange { color: var(--orange); }
      .scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .8rem; }
      td, th { padding: .15rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
        white-space: nowrap; } td.name { white-space: normal; overflow-wrap: break-word; }
        td.number { text-align: right; font-variant-numeric: tabular-nums; }
      table.texts { width: 100%; } .texts td { vertical-align: top; }
      .texts td.text { white-space: pre-wrap; min-width: 8rem; }
      @media (max-width: 40rem) { td, th { padding: .15rem .3rem; }
        .texts th { display: none; } .texts tr { display: block;
        border-bottom: 1px solid var(--line); padding: .4rem 0; }
        .texts td { display: flex; gap: .5rem; border: 0; padding: .1rem 0; text-align: left; }
        .texts td.number { text-align: left; } .texts td::before { content: attr(data-name);
        color: var(--soft); flex: 0 0 5.5rem; white-space: normal; } }
      """;

  private HtmlPage() {}

  /// The page.
  ///
  /// @param title its name, as plain text
  /// @param body what follows the headline, as HTML
  public static String of(String title, CharSequence body) {
    StringBuilder page = new StringBuilder();
    page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.append("<title>").append(escape(title)).append("</title>\n<style>\n").append(STYLE);
    page.append("</style>\n</head>\n<body>\n<h1>").append(escape(title)).append("</h1>\n");
    return page.append(body).append("</body>\n</html>\n").toString();
  }

  /// The beginning of a plot, to be ended with `</svg>`.
  ///
  /// @param height in the plot's own units
  /// @param label what it shows, for people who do not see it, as plain text
  public static StringBuilder svg(int height, String label) {
    return new StringBuilder(
        "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">"
            .formatted(PLOT_WIDTH, height, escape(label)));
  }

  /// Text as it may stand in HTML, in an attribute too: a path or an answer may hold anything.
  public static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                case '\n', '\t' -> escaped.appendCodePoint(c);
                default -> escaped.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c);
              }
            });
    return escaped.toString();
  }
}
