using System.Globalization;
using System.Text.RegularExpressions;

namespace Consensus.Benchmarks.Verify;

/// <summary>One system call: its begin and its end in seconds of the wall clock.</summary>
internal readonly record struct TracedCall(double Begin, double End);

/// <summary>The flushes and the answers of one process, read from what <c>strace -f -ttt -T</c> wrote.</summary>
internal sealed partial class SystemCallTrace
{
    private const string Answer = "\"HTTP/1.1 200";

    /// <summary>Flushes that succeeded.</summary>
    public List<TracedCall> Flushes { get; } = [];

    /// <summary>When each sending of a success began.</summary>
    public List<double> Answers { get; } = [];

    public static SystemCallTrace Read(string file)
    {
        var trace = new SystemCallTrace();
        var begun = new Dictionary<string, double>();
        foreach (var line in File.ReadLines(file))
        {
            trace.Take(line, begun);
        }
        return trace;
    }

    private void Take(string line, Dictionary<string, double> begun)
    {
        if (Line().Match(line) is not { Success: true } match)
        {
            return;
        }
        var (thread, at, call) = (match.Groups["thread"].Value, Seconds(match.Groups["at"].Value), match.Groups["call"].Value);
        if (call.Contains(Answer, StringComparison.Ordinal))
        {
            Answers.Add(at);
        }
        else if (call.StartsWith("fdatasync(", StringComparison.Ordinal) || call.StartsWith("fsync(", StringComparison.Ordinal))
        {
            if (call.Contains("<unfinished", StringComparison.Ordinal))
            {
                begun[thread] = at;
            }
            else if (Result().Match(call) is { Success: true } result && result.Groups["code"].Value == "0")
            {
                Flushes.Add(new TracedCall(at, at + Seconds(result.Groups["took"].Value)));
            }
        }
        else if (Resumed().IsMatch(call) && begun.Remove(thread, out var begin) && Result().Match(call) is { Success: true } end && end.Groups["code"].Value == "0")
        {
            // The line's time is when strace saw the end; its length counts from the begin.
            Flushes.Add(new TracedCall(begin, begin + Seconds(end.Groups["took"].Value)));
        }
    }

    private static double Seconds(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<thread>\d+)\s+(?<at>\d+\.\d+) (?<call>.*)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"\)\s+= (?<code>-?\d+).*<(?<took>\d+\.\d+)>$")]
    private static partial Regex Result();

    [GeneratedRegex(@"^<\.\.\. (fdatasync|fsync) resumed>")]
    private static partial Regex Resumed();
}
