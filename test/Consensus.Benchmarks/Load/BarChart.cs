using System.Globalization;
using System.Text;

namespace Consensus.Benchmarks.Load;

/// <summary>Bars that stand together, one for each series. Groups of one <paramref name="Section"/> stand side by side.</summary>
internal sealed record BarGroup(string Section, string Label, IReadOnlyList<double> Values);

/// <summary>A grouped bar chart with a logarithmic axis as SVG 1.1, legible on light and dark pages.</summary>
internal static class BarChart
{
    private const int BarWidth = 11;
    private const int GroupGap = 10;
    private const int SectionGap = 26;
    private const int Left = 64;
    private const int Top = 48;
    private const int PlotHeight = 240;
    private static readonly string[] Colours = ["#2a78b5", "#c8862c", "#5d9a4a", "#8a5ca8", "#b5485a"];

    public static string Draw(string title, IReadOnlyList<string> series, IReadOnlyList<BarGroup> groups)
    {
        var values = groups.SelectMany(group => group.Values).Where(value => value > 0 && double.IsFinite(value)).ToList();
        var lowest = values.Count > 0 ? Math.Floor(Math.Log10(values.Min())) : 0;
        var highest = values.Count > 0 ? Math.Max(lowest + 1, Math.Ceiling(Math.Log10(values.Max()))) : 1;
        double Y(double value) => Top + (PlotHeight * (1 - ((Math.Log10(value) - lowest) / (highest - lowest))));

        var body = new StringBuilder();
        var x = (double)Left + GroupGap;
        var section = (Name: string.Empty, Start: x);
        foreach (var group in groups)
        {
            if (group.Section != section.Name)
            {
                AppendSection(body, section.Name, section.Start, x - GroupGap);
                x += section.Name.Length > 0 ? SectionGap : 0;
                section = (group.Section, x);
            }

            var start = x;
            for (var i = 0; i < group.Values.Count; i++, x += BarWidth)
            {
                if (group.Values[i] > 0 && double.IsFinite(group.Values[i]))
                {
                    var top = Y(group.Values[i]);
                    var tip = $"{series[i]}, {group.Section}, {group.Label} clients: {Table.Number(group.Values[i])}";
                    body.Append(
                        CultureInfo.InvariantCulture,
                        $"<rect x='{x:0.#}' y='{top:0.#}' width='{BarWidth - 1}' height='{Top + PlotHeight - top:0.#}' fill='{Colours[i % Colours.Length]}'><title>{tip}</title></rect>\n");
                }
            }

            Text(body, (start + x) / 2, Top + PlotHeight + 16, group.Label, "middle");
            x += GroupGap;
        }

        AppendSection(body, section.Name, section.Start, x - GroupGap);
        return Frame(title, series, body, x + GroupGap, lowest, highest);
    }

    private static string Frame(string title, IReadOnlyList<string> series, StringBuilder body, double width, double lowest, double highest)
    {
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns='http://www.w3.org/2000/svg' width='{width:0}' height='{Top + PlotHeight + 48}' font-family='sans-serif' font-size='11' fill='#777'>\n");
        Text(svg, Left, 18, title, "start", size: 13);
        for (var i = 0; i < series.Count; i++)
        {
            var at = Left + (i * 110);
            svg.Append(CultureInfo.InvariantCulture, $"<rect x='{at}' y='26' width='10' height='10' fill='{Colours[i % Colours.Length]}'/>\n");
            Text(svg, at + 15, 35, series[i], "start");
        }

        for (var decade = lowest; decade <= highest; decade++)
        {
            var y = Top + (PlotHeight * (1 - ((decade - lowest) / (highest - lowest))));
            svg.Append(CultureInfo.InvariantCulture, $"<line x1='{Left}' x2='{width:0}' y1='{y:0.#}' y2='{y:0.#}' stroke='#999' stroke-opacity='0.4'/>\n");
            Text(svg, Left - 6, y + 4, Math.Pow(10, decade).ToString("#,##0.###", CultureInfo.InvariantCulture), "end");
        }

        return svg.Append(body).Append("</svg>\n").ToString();
    }

    private static void AppendSection(StringBuilder svg, string name, double start, double end)
    {
        if (name.Length > 0)
        {
            Text(svg, (start + end) / 2, Top + PlotHeight + 34, name, "middle", size: 12);
        }
    }

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor, int size = 11) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x='{x:0.#}' y='{y:0.#}' text-anchor='{anchor}' font-size='{size}'>{text}</text>\n");
}
