using System.Text.Json.Nodes;

namespace Consensus.Cli.Output;

/// <summary>
/// Events as they come, each on a line of its own that is written at once. For a person: columns as wide as is usual, since nobody knows what will come. Where the output is
/// no terminal: one tab between columns.
/// </summary>
/// <param name="columns">Headings with the width that is usual below them.</param>
internal sealed class EventLines(CliEnvironment environment, params (string Heading, int Width)[] columns)
{
    public void WriteHeadings() => Write([.. columns.Select(column => column.Heading)]);

    public void Write(params string?[] cells)
    {
        if (cells.Length != columns.Length)
        {
            throw new ArgumentException("A line needs a cell for each heading.", nameof(cells));
        }
        var plain = cells.Select(cell => string.IsNullOrEmpty(cell) ? "-" : Plain.OneLine(cell));
        environment.Output.WriteLine(environment.OutputIsTerminal
            ? string.Join("  ", plain.Select((cell, index) => cell.PadRight(columns[index].Width))).TrimEnd()
            : string.Join('\t', plain));
    }

    /// <summary>One JSON document on a line: the event's name, then the members of its data as the API gave them.</summary>
    public void WriteJson(string name, JsonObject data)
    {
        var document = new JsonObject { ["event"] = name };
        foreach (var (member, value) in data)
        {
            if (member != "event")
            {
                document[member] = value?.DeepClone();
            }
        }
        environment.Output.WriteLine(document.ToJsonString());
    }
}
