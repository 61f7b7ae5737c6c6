using System.Globalization;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Cli.Status;

namespace Consensus.Cli.Top;

/// <summary>Lays a view out as lines: what the cluster does, a row for each member, and what is wrong in words. A pure function.</summary>
internal static class TopScreen
{
    private static readonly string[] Headings =
        ["MEMBER", "ROLE", "READS/S", "WRITES/S", "FAILED/S", "ENTRIES/S", "APPLIED", "LAG", "LOG", "MEMORY", "CPU", "DISK FREE", "UPTIME"];

    /// <param name="width">Columns of the terminal; sentences are broken to it.</param>
    public static IReadOnlyList<ScreenLine> Lines(TopView view, int width, TimeSpan interval)
    {
        var report = view.Now.Report;
        var leader = report.Leader?.Status;
        var any = leader ?? report.Members.Select(member => member.Status).FirstOrDefault(status => status is not null);
        var lines = new List<ScreenLine>
        {
            new(Title(report, any?.ClusterId, width, interval), LineStyle.Reversed),
            new(""),
            new($"reads {Rate(view.Total(rates => rates.Reads))}/s   writes {Rate(view.Total(rates => rates.Writes))}/s   "
                + $"failed {Rate(view.Total(rates => rates.Failures))}/s   entries {Rate(view.Rates.Select(rates => rates.Entries).Max())}/s"),
        };
        if (any is not null)
        {
            lines.Add(new ScreenLine(string.Create(
                CultureInfo.InvariantCulture,
                $"revision {any.Revision:N0}   keys {any.Keys:N0}   leases {any.Leases:N0}   held {any.Locks:N0}   waiting {any.Waiters:N0}   "
                + $"watches {report.Members.Sum(member => member.Status?.Watches ?? 0):N0}   state {Plain.Bytes(any.StateBytes)}{OfQuota(any.QuotaBytes)}")));
        }
        lines.Add(new ScreenLine(""));
        lines.AddRange(Table(view));
        lines.Add(new ScreenLine(""));
        lines.AddRange(Words(view, width));
        return lines;
    }

    private static string Title(ClusterReport report, string? cluster, int width, TimeSpan interval)
    {
        var leads = report.Leader is { } leader ? $"{leader.Name} leads in term {leader.Status!.Term}" : "nobody leads";
        var left = $" consensus {cluster ?? "?"}   {leads}";
        var right = $"every {Durations.Show((long)interval.TotalMilliseconds)}, q quits ";
        return left.Length + right.Length + 2 <= width ? left.PadRight(width - right.Length) + right : left;
    }

    private static IEnumerable<ScreenLine> Table(TopView view)
    {
        var rows = view.Now.Report.Members.Select((member, index) => Row(view, member, view.Rates[index])).ToList();
        var widths = Headings.Select((heading, column) => Math.Max(heading.Length, rows.Select(row => row.Cells[column].Length).DefaultIfEmpty(0).Max())).ToList();
        yield return new ScreenLine(Join(Headings, widths), LineStyle.Bold);
        foreach (var (cells, style) in rows)
        {
            yield return new ScreenLine(Join(cells, widths), style);
        }
    }

    private static (string[] Cells, LineStyle Style) Row(TopView view, MemberReport member, MemberRates rates)
    {
        if (member.Status is not { } status)
        {
            return ([member.Name, member.Role, .. Enumerable.Repeat("-", Headings.Length - 2)], LineStyle.Bad);
        }
        string[] cells =
        [
            member.Name,
            member.Role,
            Rate(rates.Reads),
            Rate(rates.Writes),
            Rate(rates.Failures),
            Rate(rates.Entries),
            Plain.Number(status.AppliedIndex),
            view.Now.Report.Lag(member) is { } lag ? Plain.Number(lag) : "-",
            Plain.Bytes(status.LogBytes),
            status.MemoryBytes is { } memory ? Plain.Bytes(memory) : "-",
            rates.CpuPercent is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{percent:0} %") : "-",
            status.DiskFreeBytes is { } free ? Plain.Bytes(free) : "-",
            Durations.Show(status.UptimeMs),
        ];
        var style = status.Alarms.Count > 0 || !status.Ready ? LineStyle.Bad : status.Role == "leader" ? LineStyle.Good : LineStyle.Plain;
        return (cells, style);
    }

    /// <summary>Names to the left, numbers to the right.</summary>
    private static string Join(IReadOnlyList<string> cells, List<int> widths) =>
        string.Join("  ", cells.Select((cell, column) => column < 2 ? Plain.OneLine(cell).PadRight(widths[column]) : cell.PadLeft(widths[column])));

    private static IEnumerable<ScreenLine> Words(TopView view, int width)
    {
        if (view.Diagnosis.Problems.Count == 0)
        {
            yield return new ScreenLine(Diagnosis.Healthy(view.Now.Report), LineStyle.Good);
        }
        foreach (var line in view.Diagnosis.Problems.SelectMany(sentence => Wrap(sentence, width)))
        {
            yield return new ScreenLine(line, LineStyle.Bad);
        }
        foreach (var line in view.Diagnosis.Notes.SelectMany(sentence => Wrap(sentence, width)))
        {
            yield return new ScreenLine(line, LineStyle.Dim);
        }
    }

    /// <summary>Breaks a sentence between words; further lines are indented.</summary>
    internal static IEnumerable<string> Wrap(string sentence, int width)
    {
        const string Indent = "  ";
        var line = "";
        foreach (var word in Plain.OneLine(sentence).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Trim().Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = Indent + word;
            }
            else
            {
                line = line.Length == 0 ? word : line + " " + word;
            }
        }
        yield return line;
    }

    private static string Rate(double? rate) => rate switch
    {
        null => "-",
        < 10 and > 0 => rate.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => rate.Value.ToString("N0", CultureInfo.InvariantCulture),
    };

    private static string OfQuota(long? quota) => quota is { } bytes ? $" of {Plain.Bytes(bytes)}" : "";
}
