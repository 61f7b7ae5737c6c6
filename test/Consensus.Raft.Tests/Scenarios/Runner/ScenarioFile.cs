using System.Text;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>
/// A golden scenario: a text that drives a small cluster and says what it does.
/// </summary>
/// <remarks>
/// Three kinds of lines. A line that starts with <c>#</c> is a remark. A line that starts with <c>&gt; </c> is a command. A line that starts with
/// two spaces is what the command above it printed. Blank lines separate. The commands, with members written as their numbers:
/// <code>
/// cluster voters=1,2,3 [outgoing=…] [learners=…] [trailing=N] [inflight=N] [bytes=N]
///                          a new cluster; everybody has an empty log and term 0. The election time-out is 1000 ticks, a heartbeat 100
/// start 2 log=1,1,4 [term=7] [vote=3] [snapshot=INDEX:TERM]
///                          the member starts anew, with entries of these terms on its disk (after the snapshot)
/// tick 1,2 N               time passes for these members (`all`: for everyone), tick by tick; nothing is delivered meanwhile
/// campaign 1               ticks until the member's election time-out
/// propose 1 [count=N] [bytes=N]
/// read 1 7,8               read-index rounds for these contexts, asked in one turn
/// transfer 1 2             asks member 1 to hand leadership to member 2
/// settle [quiet]           delivers until nothing is on its way; `quiet` prints only what changed
/// deliver [WHICH] [count=N]   what is on its way now is delivered, not what that brings about
/// drop | duplicate | hold | release [WHICH] [count=N]
///                          of what is on its way; what is held stays behind until it is released
/// queue                    what is on its way
/// cut 1 2, isolate 3, heal   what is delivered over a cut link is lost
/// disk 1 slow|fast         slow: writes wait for `persist`
/// persist 1 [count=N]      the oldest writes become durable
/// crash 1, restart 1       what was not durable is lost
/// gone 2 1, unreachable 1 2    member 2 sees that 1's process is gone; member 1 sees the link to 2 closed
/// snapshot 1               of everything applied
/// snapshot-sent 1 3 ok|failed   the file's journey from 1 to 3 ended
/// state [1,2], progress 1  what a member, or a leader of the others, knows
/// </code>
/// WHICH is any of: a link (<c>1&gt;2</c>, <c>1&gt;</c>, <c>&gt;2</c>), and kinds of messages as they are printed (<c>vote?</c> is a request, <c>vote</c> its answer).
/// After each command comes what changed on whom: role, term, vote, leader, commit index, applied index, reads that were answered.
/// </remarks>
internal static class ScenarioFile
{
    /// <summary>Set to 1, the tests write what was printed into the scenarios instead of comparing.</summary>
    public const string RegenerateVariable = "CONSENSUS_REGENERATE_SCENARIOS";

    /// <summary>The scenario's text with the output that its commands have now.</summary>
    public static string Run(string text)
    {
        var cluster = new ScenarioCluster();
        var result = new StringBuilder();
        var number = 0;
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            number++;
            if (line.StartsWith("  ", StringComparison.Ordinal))
            {
                continue;
            }
            result.Append(line).Append('\n');
            if (line.StartsWith("> ", StringComparison.Ordinal))
            {
                foreach (var output in Run(cluster, line, number))
                {
                    result.Append("  ").Append(output).Append('\n');
                }
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                throw new FormatException($"line {number}: '{line}' is no remark, command or output");
            }
        }
        return result.ToString();
    }

    private static IReadOnlyList<string> Run(ScenarioCluster cluster, string line, int number)
    {
        try
        {
            return cluster.Run(ScenarioCommand.Parse(line[2..]));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"line {number}: '{line}': {e.Message}", e);
        }
    }
}
