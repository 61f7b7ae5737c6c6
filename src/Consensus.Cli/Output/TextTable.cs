using Spectre.Console;

namespace Consensus.Cli.Output;

/// <summary>
/// Rows under headings. For a person: aligned and coloured. Where the output is no terminal: one line for each row, columns
/// separated by one tab, so that <c>cut -f</c> and <c>awk -F'\t'</c> work, never wrapped, never coloured.
/// </summary>
internal sealed class TextTable(params string[] headings)
{
    /// <summary>Columns of a terminal that does not tell how many it has.</summary>
    private const int UsualWidth = 80;

    private readonly List<string[]> _rows = [];

    public TextTable Add(params string?[] cells)
    {
        if (cells.Length != headings.Length)
        {
            throw new ArgumentException("A row needs a cell for each heading.", nameof(cells));
        }
        _rows.Add([.. cells.Select(cell => string.IsNullOrEmpty(cell) ? "-" : Plain.OneLine(cell))]);
        return this;
    }

    public void Write(CliEnvironment environment)
    {
        if (environment.OutputIsTerminal)
        {
            Draw(environment.Output);
            return;
        }
        environment.Output.WriteLine(string.Join('\t', headings));
        foreach (var row in _rows)
        {
            environment.Output.WriteLine(string.Join('\t', row));
        }
    }

    private void Draw(TextWriter output)
    {
        var terminal = StandardOutput.TerminalWidth() ?? UsualWidth;
        var natural = headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max()).ToArray();
        var widths = ColumnWidths.Fit(natural, terminal);
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in headings)
        {
            table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))).NoWrap());
        }
        foreach (var row in _rows)
        {
            table.AddRow(row.Select((cell, column) => new Text(ColumnWidths.Cut(cell, widths[column]))));
        }
        // As wide as the table: the library would squeeze columns until nothing can be read. Twice, for letters that take two columns.
        var width = Math.Max(terminal, 2 * widths.Sum(each => each + ColumnWidths.Padding));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new TerminalOutput(output, width), Interactive = InteractionSupport.No }).Write(table);
    }
}
