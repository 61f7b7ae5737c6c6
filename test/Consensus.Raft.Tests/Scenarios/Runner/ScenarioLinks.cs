using System.Globalization;
using Consensus.Primitives;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>What is on its way between the members, in the order in which it was sent, and which links are cut.</summary>
internal sealed class ScenarioLinks
{
    private readonly List<Message> _queue = [];
    private readonly List<Message> _held = [];
    private readonly HashSet<(MemberId, MemberId)> _cut = [];

    public IReadOnlyList<Message> Queue => _queue;

    public void Add(IEnumerable<Message> messages) => _queue.AddRange(messages);

    public void Cut(int one, int other)
    {
        _cut.Add((new MemberId(one), new MemberId(other)));
        _cut.Add((new MemberId(other), new MemberId(one)));
    }

    public bool IsCut(Message message) => _cut.Contains((message.From, message.To));

    public void Heal() => _cut.Clear();

    /// <summary>Takes what a command chooses out of the queue.</summary>
    public List<Message> Take(ScenarioCommand which) => Take(_queue, which);

    public IReadOnlyList<Message> Duplicate(ScenarioCommand which)
    {
        List<Message> copies = [.. Chosen(_queue, which)];
        _queue.AddRange(copies);
        return copies;
    }

    public IReadOnlyList<Message> Hold(ScenarioCommand which)
    {
        var taken = Take(which);
        _held.AddRange(taken);
        return taken;
    }

    public IReadOnlyList<Message> Release(ScenarioCommand which)
    {
        var taken = Take(_held, which);
        _queue.AddRange(taken);
        return taken;
    }

    /// <summary>A process that ends takes along what it had not sent, and what nobody will read any more.</summary>
    public void Forget(MemberId member) => _queue.RemoveAll(m => m.To == member);

    private static List<Message> Take(List<Message> from, ScenarioCommand which)
    {
        List<Message> taken = [.. Chosen(from, which)];
        foreach (var message in taken)
        {
            from.RemoveAt(from.FindIndex(m => ReferenceEquals(m, message)));
        }
        return taken;
    }

    private static IEnumerable<Message> Chosen(List<Message> from, ScenarioCommand which)
    {
        var links = which.Arguments.Where(a => a.Contains('>', StringComparison.Ordinal)).ToList();
        var kinds = which.Arguments.Where(a => !a.Contains('>', StringComparison.Ordinal)).ToList();
        return from
            .Where(m => links.Count == 0 || links.Any(l => IsOn(m, l)))
            .Where(m => kinds.Count == 0 || kinds.Contains(ScenarioPrinter.Kind(m)))
            .Take(which.Number("count", int.MaxValue));
    }

    private static bool IsOn(Message message, string link)
    {
        var ends = link.Split('>', 2);
        return Is(message.From, ends[0]) && Is(message.To, ends[1]);
    }

    private static bool Is(MemberId member, string text) =>
        text.Length == 0 || member.Value.ToString(CultureInfo.InvariantCulture) == text;
}
