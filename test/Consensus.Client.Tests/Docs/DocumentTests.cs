using System.Runtime.CompilerServices;

namespace Consensus.Client.Tests.Docs;

/// <summary>Whatever C# the client's pages show is compiled: each of their blocks stands, line after line, in <see cref="ClientExamples"/>.</summary>
internal sealed class DocumentTests
{
    [TestCase("docs/client.md")]
    [TestCase("src/Consensus.Client/README.md")]
    [TestCase("src/Consensus.Client.Testing/README.md")]
    public void Every_example_is_compiled(string page)
    {
        var examples = Normalized(File.ReadAllLines(Path.Combine(Root(), "test", "Consensus.Client.Tests", "Docs", "ClientExamples.cs")));
        var blocks = Blocks(File.ReadAllLines(Path.Combine(Root(), page))).ToList();

        Assert.That(blocks, Is.Not.Empty);
        Assert.That(blocks.Where(block => !examples.Contains(block, StringComparison.Ordinal)), Is.Empty);
    }

    private static IEnumerable<string> Blocks(string[] lines)
    {
        List<string>? block = null;
        foreach (var line in lines)
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                if (block is not null)
                {
                    yield return Normalized(block);
                }
                block = block is null && line == "```csharp" ? [] : null;
            }
            else
            {
                block?.Add(line);
            }
        }
    }

    /// <summary>Without indentation and blank lines, which differ between a page and a method.</summary>
    private static string Normalized(IEnumerable<string> lines) =>
        string.Join('\n', lines.Select(line => line.Trim()).Where(line => line.Length > 0)) + "\n";

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
