using System.Text;
using Spectre.Console;

namespace Consensus.Cli.Output;

/// <summary>A terminal as the drawing library wants it, told without asking the console, which would set up the terminal.</summary>
internal sealed class TerminalOutput(TextWriter writer, int width) : IAnsiConsoleOutput
{
    public TextWriter Writer { get; } = writer;

    public bool IsTerminal => true;

    public int Width { get; } = width;

    /// <summary>Nothing is paged.</summary>
    public int Height => int.MaxValue;

    public void SetEncoding(Encoding encoding)
    {
        // The writer's is UTF-8.
    }
}
