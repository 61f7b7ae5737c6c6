using System.Collections.Immutable;
using Consensus.Exploration.Members;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Exploration.Safety;

/// <summary>A read that nobody has answered yet.</summary>
/// <param name="Committed">How much some member knew to be committed when it was asked: the answer must not be older.</param>
internal readonly record struct PendingRead(MemberId Member, long Context, long Committed);

/// <summary>An entry that some member took for committed.</summary>
/// <param name="SeenIn">The term of the member that was the first to.</param>
internal sealed record CommittedEntry(Entry Entry, Term SeenIn);

/// <summary>What of the past the promises speak of, and the members' present states do not tell. Immutable.</summary>
internal sealed record History
{
    public static readonly History Empty = new();

    public ImmutableSortedDictionary<long, MemberId> Leaders { get; private init; } = ImmutableSortedDictionary<long, MemberId>.Empty;

    public ImmutableList<CommittedEntry> Committed { get; private init; } = [];

    public ImmutableList<PendingRead> Reads { get; private init; } = [];

    /// <summary>Two histories with equal keys are one.</summary>
    public string Key => string.Join(
        '|',
        string.Join(',', Leaders.Select(l => $"{l.Key}:{l.Value}")),
        string.Join(',', Committed.Select(c => $"{c.Entry.Term}:{(int)c.Entry.Kind}:{c.Entry.Request}:{c.SeenIn}")),
        string.Join(',', Reads.OrderBy(r => (r.Member.Value, r.Context)).Select(r => $"{r.Member}:{r.Context}:{r.Committed}")));

    /// <summary>Election safety: a term has at most one leader.</summary>
    public History Leads(MemberId member, Term term)
    {
        if (!Leaders.TryGetValue(term.Value, out var known))
        {
            return this with { Leaders = Leaders.Add(term.Value, member) };
        }
        BrokenPromiseException.Unless(known == member, () => $"election safety: term {term} has two leaders, {known} and {member}");
        return this;
    }

    /// <summary>State machine safety: no two members take different entries for committed at one index.</summary>
    public History Commits(MemberId member, Term term, Entry entry, out bool isNew)
    {
        isNew = entry.Index.Value > Committed.Count;
        if (isNew)
        {
            BrokenPromiseException.Unless(entry.Index.Value == Committed.Count + 1, () => $"{member} takes entry {entry.Index} for committed, and nobody the one before it");
            return this with { Committed = Committed.Add(new CommittedEntry(entry, term)) };
        }
        var known = Committed[(int)entry.Index.Value - 1].Entry;
        BrokenPromiseException.Unless(
            IsSame(known, entry), () => $"state machine safety: {member} takes entry {entry.Index} of term {entry.Term} for committed, where another took that of term {known.Term}");
        return this;
    }

    public History Asks(MemberId member, long context) => this with { Reads = Reads.Add(new PendingRead(member, context, Committed.Count)) };

    /// <summary>Linearizable reads: an answer is as new as what was known to be committed when it was asked for.</summary>
    public History Answered(MemberId member, in ReadState answer)
    {
        var context = answer.Context;
        var read = Reads.Find(r => r.Member == member && r.Context == context);
        if (read.Context == 0)
        {
            return this;
        }
        var index = answer.Index;
        BrokenPromiseException.Unless(
            answer.Refused || index.Value >= read.Committed,
            () => $"linearizable reads: {member} reads at index {index}, and entry {read.Committed} was committed before it asked");
        return this with { Reads = Reads.Remove(read) };
    }

    /// <summary>A process ended: nobody waits for its answers any more.</summary>
    public History Restarts(MemberId member) => Reads.Exists(r => r.Member == member) ? this with { Reads = Reads.RemoveAll(r => r.Member == member) } : this;

    public static bool IsSame(Entry one, Entry other) =>
        one.Term == other.Term && one.Kind == other.Kind && one.Request == other.Request && one.Payload.Span.SequenceEqual(other.Payload.Span);
}
