namespace Consensus.Cli.Top;

internal enum LineStyle
{
    Plain,
    Bold,
    Reversed,
    Dim,
    Good,
    Bad,
}

/// <summary>One line of the screen, before it is cut to its width.</summary>
internal readonly record struct ScreenLine(string Text, LineStyle Style = LineStyle.Plain)
{
    /// <summary>Exactly as many columns as there are, so that a style reaches the edge where it should, and nothing wraps.</summary>
    public string Draw(int width)
    {
        var text = Text.Length > width ? width > 1 ? Text[..(width - 1)] + "…" : "" : Text;
        return Style switch
        {
            LineStyle.Bold => $"\u001b[1m{text}\u001b[0m",
            LineStyle.Reversed => $"\u001b[7m{text.PadRight(width)}\u001b[0m",
            LineStyle.Dim => $"\u001b[2m{text}\u001b[0m",
            LineStyle.Good => $"\u001b[32m{text}\u001b[0m",
            LineStyle.Bad => $"\u001b[31m{text}\u001b[0m",
            _ => text,
        };
    }
}
