using System.Globalization;
using System.Text;

namespace Consensus.Benchmarks;

/// <summary>A Markdown table whose columns line up, to be read in a terminal and pasted into a page.</summary>
internal sealed class Table(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with as many cells as there are headings.</summary>
    public void Add(params string[] cells)
    {
        if (cells.Length != headings.Length)
        {
            throw new ArgumentException("A row has one cell for each heading.", nameof(cells));
        }

        _rows.Add(cells);
    }

    public override string ToString()
    {
        var widths = headings.Select((heading, column) => Math.Max(3, _rows.Append(headings).Max(row => row[column].Length))).ToArray();
        var text = new StringBuilder();
        Append(text, headings, widths);
        text.Append('|').AppendJoin('|', widths.Select((width, column) => column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ":"));
        text.Append("|\n");
        _rows.ForEach(row => Append(text, row, widths));
        return text.ToString();
    }

    /// <summary>Three significant digits at least, no exponent; a dash for what is not a number.</summary>
    public static string Number(double value) => value switch
    {
        _ when !double.IsFinite(value) => "-",
        >= 100 => value.ToString("#,##0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    private static void Append(StringBuilder text, string[] cells, int[] widths)
    {
        for (var column = 0; column < cells.Length; column++)
        {
            text.Append("| ");
            text.Append(column == 0 ? cells[column].PadRight(widths[column]) : cells[column].PadLeft(widths[column]));
            text.Append(' ');
        }

        text.Append("|\n");
    }
}
