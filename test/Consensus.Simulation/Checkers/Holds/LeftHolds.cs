using System.Globalization;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// What was granted to a client that had left, or that was told that nobody knows, is free again: at once where it had no key, else when
/// the time is over for which its place would have been kept (rule 18), however long its lease lives and whatever became of a part of it.
/// Not where it came back under its key: then it was told. Not where the member that it had asked has ended since: nobody else knows that
/// it left. Not of a session, which has it.
/// </summary>
/// <param name="now">True time, in microseconds.</param>
/// <param name="keepMicros">For how long a place is kept for whoever comes back.</param>
/// <param name="isThere">True while the process runs that was asked.</param>
/// <param name="isCalm">Nothing is made to go wrong: then each is judged when it is due, else only once all is well.</param>
internal sealed class LeftHolds(Func<long> now, long keepMicros, Func<RequestId, bool> isThere, bool isCalm)
{
    public const string Name = "left holds end";

    /// <summary>As long as any command may take, and as the member's next look may.</summary>
    private const long SlackMicros = 5_000_000;

    /// <summary>What requests were granted that nobody was told of but their own client.</summary>
    private readonly Dictionary<RequestId, List<Hold>> _granted = [];
    private readonly Dictionary<Operation, RequestId> _requests = [];
    private readonly Dictionary<RequestId, Operation> _left = [];

    /// <summary>Operations of which more than one attempt was told what they were granted.</summary>
    private readonly HashSet<Operation> _told = [];

    /// <summary>Those that left and were granted something, each with the time by which that is to be free; the earliest first.</summary>
    private readonly Queue<(RequestId Request, long By)> _due = new();

    /// <summary>Those of them whose holds were not seen to be free.</summary>
    private readonly List<RequestId> _standing = [];

    /// <summary>As of the last entry.</summary>
    private StateView? _view;

    /// <summary>Grants to clients that had left.</summary>
    public int Count { get; private set; }

    /// <summary>How long it takes at most until all is free, once all is well.</summary>
    public long WithinMicros => keepMicros + SlackMicros;

    /// <summary>The client of an attempt left before it was answered, or when it was told that nobody knows what came of it.</summary>
    public void Left(RequestId request, Operation operation)
    {
        _left[request] = operation;
        Expect(request);
    }

    public void Saw(AppliedEntry entry)
    {
        _view = entry.After;
        if (entry is { Asked: { } asked, Command: AcquireCommand or AcquireManyCommand }
            && _requests.TryGetValue(asked, out var before)
            && before != entry.Request)
        {
            // More than one attempt is told of it: nobody gives it back but who has its token.
            _granted.Remove(before);
            _told.Add(asked);
        }
        foreach (var grants in entry.Granted.Where(grant => grant.Asked is { Session.IsNone: true }).GroupBy(grant => grant.Request))
        {
            var operation = grants.First().Asked!;
            if (!_told.Contains(operation))
            {
                _granted[grants.Key] = [.. grants.Select(grant => grant.Hold)];
                _requests[operation] = grants.Key;
                Expect(grants.Key);
            }
        }
        while (isCalm && _due.TryPeek(out var due) && due.By <= now())
        {
            _due.Dequeue();
            JudgeOne(due.Request);
        }
    }

    /// <summary>Whether all is free that is to be. Asked again and again: what is free once is never held again under its token.</summary>
    public bool AreOver()
    {
        _standing.RemoveAll(request => Held(request) is null);
        return _standing.TrueForAll(request => !IsToEnd(request));
    }

    /// <summary>All has been well for <see cref="WithinMicros"/>.</summary>
    public void Judge() => _standing.ForEach(JudgeOne);

    private void Expect(RequestId request)
    {
        if (_left.ContainsKey(request) && _granted.ContainsKey(request))
        {
            Count++;
            _standing.Add(request);
            _due.Enqueue((request, now() + WithinMicros));
        }
    }

    private void JudgeOne(RequestId request)
    {
        var held = IsToEnd(request) ? Held(request) : null;
        Violation.Unless(held is null, Name, () => string.Create(
            CultureInfo.InvariantCulture,
            $"{held} stands at {now()}, after entry {_view?.AppliedIndex}, though the client of {request}, {_left[request]}, had left"));
    }

    /// <summary>Nobody else was told what the request was granted, and who was asked for it is there to give it back.</summary>
    private bool IsToEnd(RequestId request) => _granted.ContainsKey(request) && isThere(request);

    /// <summary>A hold that the request was granted and still has; null when it has none.</summary>
    private Hold? Held(RequestId request) => _granted.TryGetValue(request, out var holds)
        ? holds.Find(hold => _view!.GetObject(hold.Object).Holders.Any(standing => standing.Token == hold.Token))
        : null;
}
