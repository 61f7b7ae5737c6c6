using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Documents;

/// <summary>What the pages tell a reader to type: each command line of one program, as a shell would hand it over.</summary>
internal static partial class ShownCommands
{
    /// <summary>Of the working tree.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));

    /// <summary>The pages of the project: path from the root, and text.</summary>
    public static IEnumerable<(string Path, string Text)> Pages() =>
        new[] { "README.md", "samples/README.md", "src/Consensus.Client/README.md", "src/Consensus.Client.Testing/README.md" }
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal))
            .Select(path => (path, File.ReadAllText(Path.Combine(Root, path))));

    /// <summary>
    /// The lines of code blocks that begin with the program, and such spans of code of which nothing is left out (…); a word that stands
    /// for another one (NAME, "$token") is 1.
    /// </summary>
    public static IEnumerable<(string Path, string[] Arguments)> Of(string program) =>
        from page in Pages()
        let text = page.Text.Replace("\\\n", " ", StringComparison.Ordinal)
        from shown in Line().Matches(text).Concat(Span().Matches(text)).Select(match => match.Groups[1].Value)
        where shown.StartsWith(program + " ", StringComparison.Ordinal)
        select (page.Path, Words(shown).Skip(1).ToArray());

    private static string Here([CallerFilePath] string here = "") => here;

    /// <summary>Up to a comment, or to what the shell itself is told.</summary>
    private static IEnumerable<string> Words(string line) => Word().Matches(line)
        .Select(match => match.Value)
        .TakeWhile(word => !"#|&;<>".Contains(word[0], StringComparison.Ordinal))
        .Select(word => word.Trim('\'', '"'))
        .Select(word => Placeholder().IsMatch(word) ? "1" : word);

    [GeneratedRegex(@"^[ ]*(?:\$ )?(?:[A-Z_]+=\S+ )?(consensus(?:d|ctl) .+)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex("`(consensus(?:d|ctl) [^`\n…]+)`")]
    private static partial Regex Span();

    [GeneratedRegex("""'[^']*'|"[^"]*"|[^\s'"]+""")]
    private static partial Regex Word();

    [GeneratedRegex(@"^(?:[A-Z]+|\$\w+)$")]
    private static partial Regex Placeholder();
}
