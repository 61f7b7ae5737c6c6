using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// The news of sessions, by answers alone: what is told to be there was asked for under the session and not answered otherwise, what is
/// told to have ended was ended by somebody in that way, and what nobody can have ended since, or somebody certainly did, is not left out.
/// That nothing stands that was told to have ended is judged with all other holds, by its revision.
/// </summary>
internal sealed class NewsByAnswers
{
    public const string Name = NewsTold.Name;

    private readonly List<Operation> _enders;
    private readonly ILookup<Operation, Operation> _settlements;
    private readonly ILookup<LeaseId, Operation> _renewals;
    private readonly ILookup<LeaseId, Operation> _asked;
    private readonly Dictionary<long, Operation> _granted = [];

    private NewsByAnswers(IReadOnlyList<Operation> operations)
    {
        _enders = [.. operations.Where(o => o.Kind is OperationKind.ReleaseHold or OperationKind.HandOver)];
        _settlements = operations.Where(o => o.Settles is not null).ToLookup(o => o.Settles!);
        _renewals = operations.Where(o => o.Seen?.News is not null).ToLookup(o => ((RenewLeasesCommand)o.Command!).Ids[0]);
        _asked = operations.Where(o => !o.Session.IsNone && o.HoldsAs is not null).ToLookup(o => o.Session.Session);
        foreach (var operation in operations)
        {
            foreach (var hold in operation.Holds)
            {
                _granted.TryAdd(hold.Token.Value, operation);
            }
        }
    }

    /// <summary>Returns how many news were judged.</summary>
    public static int Check(IReadOnlyList<Operation> operations)
    {
        var checker = new NewsByAnswers(operations);
        foreach (var renewal in checker._renewals.SelectMany(ofSession => ofSession))
        {
            checker.CheckOne(renewal);
        }
        return checker._renewals.Sum(ofSession => ofSession.Count());
    }

    private void CheckOne(Operation renewal)
    {
        var (session, news) = (SessionOf(renewal), renewal.Seen!.News!);
        var newest = _renewals[session].Where(other => other.ReturnedAt < renewal.InvokedAt).Select(other => other.Seen!.News!.Version).DefaultIfEmpty().Max();
        Violation.Unless(news.Version >= newest, Name, () =>
            $"{renewal} told the version {news.Version} of {session}, of which {newest} had been told before it was asked");
        foreach (var part in news.Began)
        {
            IsOfSession(renewal, part, isThere: true);
        }
        foreach (var (part, reason) in news.Ended)
        {
            IsOfSession(renewal, part, isThere: false);
            HasReason(renewal, part, reason);
        }
        if (news is { MustList: false, Next: null })
        {
            IsWhole(renewal, news);
        }
    }

    /// <summary>Whoever asked for it asked under this session, and was answered nothing else.</summary>
    private void IsOfSession(Operation renewal, SessionPart part, bool isThere)
    {
        var session = SessionOf(renewal);
        var isHold = part.Token != FencingToken.None;
        if (isHold && _granted.TryGetValue(part.Token.Value, out var granted))
        {
            var isSo = granted.Session.Session == session && (part.Number == 0 || part.Number == granted.Session.Number)
                && Asks(granted, part.Object);
            Violation.Unless(isSo, Name, () => $"{renewal} told of {part} under {session}, which was granted to {granted}");
        }
        if (part.Number == 0)
        {
            return;
        }
        var asked = _asked[session].FirstOrDefault(o => o.Session.Number == part.Number);
        Violation.Unless(asked is not null && Asks(asked, part.Object) && asked.InvokedAt <= renewal.ReturnedAt, Name, () =>
            $"{renewal} told of {part} under {session}; under this number was asked: {asked}");
        var isDone = asked!.Status == OperationStatus.Done && asked.ReturnedAt <= renewal.InvokedAt;
        var isOver = isHold
            ? asked.Status == OperationStatus.NotDone || asked.Outcome is HoldRefused or PermitsMismatch
            : isThere && (isDone || _settlements[asked].Any(o => o.Outcome is Settled && o.ReturnedAt <= renewal.InvokedAt));
        Violation.Unless(!isOver, Name, () => $"{renewal} told of {part} under {session}; it had come to this: {asked}");
    }

    /// <summary>Somebody did it, or time.</summary>
    private void HasReason(Operation renewal, SessionPart part, SessionEnd reason)
    {
        var asked = _granted.GetValueOrDefault(part.Token.Value)
            ?? _asked[SessionOf(renewal)].FirstOrDefault(o => part.Number > 0 && o.Session.Number == part.Number);
        // What a session's own requests end by its token, their answers tell.
        var enders = EndersOf(part.Object, part.Token.Value, renewal.ReturnedAt)
            .Where(o => o.Session.IsNone || (IsForce(o) && o.Token == 0));
        var fits = reason switch
        {
            SessionEnd.Forced => enders.Any(IsForce),
            SessionEnd.Released => enders.Any(o => o.Kind == OperationKind.ReleaseHold && !IsForce(o)),
            SessionEnd.HandedOver => enders.Any(o => o.Kind == OperationKind.HandOver),
            SessionEnd.HeldTooLong => asked is null || (MaxHoldOf(asked) is > 0 and var longest && HasPassed(asked, renewal, longest)),
            SessionEnd.WaitOver =>
                part.Token == FencingToken.None && asked is { WaitMicros: > 0 } && HasPassed(asked, renewal, asked.WaitMicros),
            SessionEnd.GivenUp =>
                asked is not null && _settlements[asked].Any(o => o.Status != OperationStatus.NotDone && o.InvokedAt <= renewal.ReturnedAt),
            _ => false,
        };
        Violation.Unless(fits, Name, () =>
            $"{renewal} told that {part} ended as {reason}, and nobody did that; it was asked for by {asked}");
    }

    private void IsWhole(Operation renewal, SessionNews news)
    {
        var session = SessionOf(renewal);
        var since = renewal.NewsSince!.Value;
        // What began up to here was told with the version since which it asked.
        var known = since == 0 ? null : _renewals[session]
            .Where(o => o.Seen!.News!.Version == since && o.ReturnedAt <= renewal.InvokedAt)
            .MaxBy(o => o.Seen!.ViewRevision);
        if (since != 0 && known is null)
        {
            return;
        }
        var began = news.Began.Select(part => part.Token.Value).ToHashSet();
        var ended = news.Ended.Select(end => end.Part.Token.Value).ToHashSet();
        foreach (var asked in _asked[session])
        {
            foreach (var hold in asked.Holds.Where(hold => hold.Token.Value <= renewal.Seen!.ViewRevision && MaxHoldOf(asked) == 0))
            {
                var token = hold.Token.Value;
                var enders = EndersOf(hold.Object, token, renewal.ReturnedAt).ToList();
                var mustHaveBegun = enders.Count == 0 && token > (known?.Seen!.ViewRevision ?? 0);
                Violation.Unless(!mustHaveBegun || began.Contains(token), Name, () =>
                    $"{renewal} told not of {hold}, which nobody ended: {asked}");
                // Who forces whoever holds may have let this one in by that: all that one step grants has tokens up to what is answered.
                var mustHaveEnded = known is not null
                    && enders.TrueForAll(o => o.Session.IsNone && o.InvokedAt > known.ReturnedAt)
                    && enders.Exists(o => o.Outcome is HoldReleased released && released.Revision.Value <= renewal.Seen!.ViewRevision
                        && released.Revision.Value > token && (o.Token == token || o.InvokedAt > asked.ReturnedAt));
                Violation.Unless(!mustHaveEnded || ended.Contains(token), Name, () =>
                    $"{renewal} told not of the end of {hold}, which {enders[0]} ended");
            }
            if (since == 0 && MustStand(asked, renewal))
            {
                var there = news.Began.Where(part => part.Number == asked.Session.Number).Select(part => part.Object).ToList();
                Violation.Unless(NamesOf(asked).All(there.Contains), Name, () =>
                    $"{renewal} told not of the place that this had at {asked.QueuedAt}, nor of a hold: {asked}");
            }
        }
    }

    /// <summary>It had a place before the renewal was asked for, and nothing can have ended that, or the hold that came of it.</summary>
    private bool MustStand(Operation asked, Operation renewal) => asked.QueuedAt <= renewal.InvokedAt
        && asked.ReturnedAt > renewal.ReturnedAt
        && asked.Outcome is not ReplayedHoldGone
        && MaxHoldOf(asked) == 0
        && renewal.ReturnedAt - asked.InvokedAt < asked.WaitMicros / 100 * 90
        && !_settlements[asked].Any(o => o.InvokedAt <= renewal.ReturnedAt)
        && !_enders.Exists(o => (o.Client == asked.Client || IsForce(o)) && NamesOf(asked).Contains(o.Name)
            && o.InvokedAt <= renewal.ReturnedAt && o.ReturnedAt >= asked.InvokedAt);

    /// <summary>Requests that may have ended this hold by then.</summary>
    private IEnumerable<Operation> EndersOf(ObjectName name, long token, long until) =>
        _enders.Where(o => o.Name == name && o.Status != OperationStatus.NotDone && o.InvokedAt <= until
            && (o.Token == token || IsForce(o)));

    private static bool IsForce(Operation operation) => operation.Command is ReleaseHoldCommand { Force: true };

    private static bool HasPassed(Operation asked, Operation renewal, long micros) =>
        renewal.ReturnedAt - asked.InvokedAt >= micros / 100 * 99;

    private static LeaseId SessionOf(Operation renewal) => ((RenewLeasesCommand)renewal.Command!).Ids[0];

    private static long MaxHoldOf(Operation asked) => asked.Command switch
    {
        AcquireCommand one => one.MaxHoldMicros,
        AcquireManyCommand many => many.MaxHoldMicros,
        _ => 0,
    };

    private static bool Asks(Operation asked, ObjectName name) => NamesOf(asked).Contains(name);

    private static IEnumerable<ObjectName> NamesOf(Operation asked) =>
        asked.Command is AcquireManyCommand many ? many.Names.Select(ObjectName.Lock) : [asked.Name];
}
