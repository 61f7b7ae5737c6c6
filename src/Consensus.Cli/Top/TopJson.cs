using System.Text.Json.Nodes;

namespace Consensus.Cli.Top;

/// <summary>A view as one JSON document, for scripts.</summary>
internal static class TopJson
{
    public static JsonObject Of(TopView view)
    {
        var report = view.Now.Report;
        var members = new JsonArray();
        for (var i = 0; i < report.Members.Count; i++)
        {
            var (member, rates) = (report.Members[i], view.Rates[i]);
            members.Add((JsonNode)new JsonObject
            {
                ["name"] = member.Name,
                ["reachable"] = member.Status is not null,
                ["lag"] = report.Lag(member),
                ["readsPerSecond"] = Round(rates.Reads),
                ["writesPerSecond"] = Round(rates.Writes),
                ["failuresPerSecond"] = Round(rates.Failures),
                ["entriesPerSecond"] = Round(rates.Entries),
                ["cpuPercent"] = Round(rates.CpuPercent),
                ["status"] = member.StatusJson.Length > 0 ? JsonNode.Parse(member.StatusJson) : null,
            });
        }
        return new JsonObject
        {
            ["intervalMs"] = view.Before is { } before ? (long)(view.Now.At - before.At).TotalMilliseconds : null,
            ["leader"] = report.Leader?.Name,
            ["readsPerSecond"] = Round(view.Total(rates => rates.Reads)),
            ["writesPerSecond"] = Round(view.Total(rates => rates.Writes)),
            ["failuresPerSecond"] = Round(view.Total(rates => rates.Failures)),
            ["members"] = members,
            ["problems"] = Texts(view.Diagnosis.Problems),
            ["notes"] = Texts(view.Diagnosis.Notes),
        };
    }

    private static double? Round(double? rate) => rate is { } value ? Math.Round(value, 1) : null;

    private static JsonArray Texts(IEnumerable<string> sentences) => [.. sentences.Select(sentence => (JsonNode)sentence)];
}
