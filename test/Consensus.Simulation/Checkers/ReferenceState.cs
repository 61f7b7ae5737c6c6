using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Simulation.Checkers;

/// <summary>
/// One more replica, which applies each entry when the first member did, without network, disk or restart in between: what every member's state is compared with.
/// </summary>
/// <param name="limits">Those of the members.</param>
public sealed class ReferenceState(Limits limits)
{
    private readonly ReplicatedState _state = new(limits);
    private readonly ApplyOutput _output = new();
    private readonly List<StateHash> _hashes = [new ReplicatedState(limits).Hash];
    private readonly HashSet<long> _expiries = [];
    private readonly SortedSet<Key> _locks = [];

    /// <summary>After the last command; null while there is nobody who wants it.</summary>
    private StateView? _view;

    public LogIndex LastIndex => _state.AppliedIndex;

    public Revision Revision => _state.Revision;

    /// <summary>Effects by identity.</summary>
    public RetryOnce Retries { get; } = new();

    /// <summary>Told what came of requests that are sent again; null when nobody looks.</summary>
    internal FinalAnswers? Finals { get; set; }

    /// <summary>Told what came of requests that were withdrawn; null when nobody looks.</summary>
    internal Withdrawals? Withdrawals { get; set; }

    /// <summary>Every lock that was ever asked for.</summary>
    public IEnumerable<Key> Locks => _locks;

    /// <summary>Told what the log changes; null when nobody watches.</summary>
    internal WatchOrder? Watches { get; set; }

    /// <summary>Shown each command; null when no client uses what they look at.</summary>
    internal CoordinationChecks? Coordination { get; set; }

    /// <summary>Whose attempts requests in the log are; null when there are no clients.</summary>
    public History? History { get; set; }

    /// <summary>What the log made of requests.</summary>
    public Answers Answers { get; } = new();

    /// <summary>Takes a line for each entry; null for nobody.</summary>
    public Action<string>? Say { get; set; }

    public bool IsExpiry(LogIndex index) => _expiries.Contains(index.Value);

    public void Apply(Entry entry)
    {
        var isCommand = entry.Kind == EntryKind.Command;
        string? identity = null;
        Command? command = null;
        var session = default(SessionRequest);
        if (isCommand)
        {
            var envelope = CommandCodec.Read(entry.Payload);
            (command, session) = (envelope.Command, envelope.Session);
            identity = envelope.IdempotencyKey.IsEmpty ? null : System.Text.Encoding.ASCII.GetString(envelope.IdempotencyKey.Span);
            Note(entry.Index, envelope.Command);
            Say?.Invoke($"entry {entry.Index} t{entry.Term} at {entry.Stamp} of {entry.Request.Member}/{entry.Request.Sequence} {identity}: {CommandText.Of(envelope.Command)}");
        }
        _output.Clear();
        _view ??= Coordination is null ? null : _state.TakeView();
        var (revision, compactRevision) = (_state.Revision, _state.CompactRevision);
        var fence = FenceOf(command);
        _state.Apply(new LoggedEntry(entry.Index, entry.Stamp, isCommand, entry.Request, entry.Principal, entry.Payload), _output);
        _hashes.Add(_state.Hash);
        if (Watches is not null && (_state.Revision > revision || _state.CompactRevision > compactRevision))
        {
            Watches.Applied(_state.TakeView().ChangesFrom(revision.Next), _state.Revision, _state.CompactRevision);
        }
        ShowCoordination(entry, command, session, revision);
        ShowRetries(entry, command, isChanged: _state.Revision > revision || FenceOf(command) != fence);
        foreach (var resolution in _output.Resolutions)
        {
            Say?.Invoke($"    {resolution.Request.Member}/{resolution.Request.Sequence}: {resolution.Outcome}");
            Answers.Resolved(resolution.Request, resolution.Outcome);
            if (resolution.Outcome is HoldGranted granted)
            {
                // The owner tells which operation it was, whichever of its requests is granted; one that takes something back goes by an owner from before.
                var asked = History?.Find(resolution.Request);
                Retries.Effect(asked is { IsPlain: false } ? asked.Owner : granted.Hold.Owner, granted);
            }
            else if (identity is not null && resolution.Request == entry.Request)
            {
                Retries.Effect(identity, resolution.Outcome);
            }
        }
    }

    /// <summary>The mark that a command may raise: it takes no revision.</summary>
    private FencingToken? FenceOf(Command? command) => command is FenceCommand fence && Finals is not null ? _state.TakeView().GetFence(fence.Resource) : null;

    private void ShowRetries(Entry entry, Command? command, bool isChanged)
    {
        if (command is WithdrawCommand && History?.Find(entry.Request)?.Withdraws is { } withdrawn)
        {
            Withdrawals?.Withdrawn(withdrawn, _output.Resolutions.Last(resolution => resolution.Request == entry.Request).Outcome, _state.TakeView());
        }
        foreach (var (request, outcome) in _output.Resolutions)
        {
            if (History?.Find(request) is { HasIdentity: true } operation)
            {
                Finals?.Resolved(operation, outcome, isChanged || request != entry.Request, entry.Stamp);
                Withdrawals?.Resolved(operation, outcome, isChanged || request != entry.Request, entry.Stamp);
            }
        }
    }

    private void ShowCoordination(Entry entry, Command? command, SessionRequest session, Revision before)
    {
        if (Coordination is null || command is null)
        {
            return;
        }
        var view = _state.TakeView();
        var granted = new List<(RequestId, Operation?, Hold)>();
        var takenOver = new List<Operation?>();
        var outcome = default(Outcome);
        foreach (var (request, resolved) in _output.Resolutions)
        {
            outcome = request == entry.Request ? resolved : outcome;
            if (resolved is WaitTakenOver)
            {
                takenOver.Add(History?.Find(request));
            }
            foreach (var hold in Grants.Of(resolved))
            {
                granted.Add((request, History?.Find(request), hold));
            }
        }
        var asked = History?.Find(entry.Request);
        var changes = _state.Revision > before ? view.ChangesFrom(before.Next).ToList() : [];
        var applied = new AppliedEntry(entry.Index, entry.Stamp, command, asked, outcome!, granted, _view!, view)
        {
            Request = entry.Request,
            Session = session,
            TakenOver = takenOver,
        };
        Coordination.Applied(applied, changes);
        _view = view;
    }

    /// <summary>As <see cref="ReplicatedState.Verify"/>.</summary>
    public void Verify() => _state.Verify();

    /// <summary>A member's state after this index must be this one.</summary>
    public void Compare(string member, LogIndex index, StateHash hash)
    {
        Violation.Unless(index <= LastIndex, StateMachineSafety.Name, () => $"{member} has a state after entry {index}, which nobody applied");
        Violation.Unless(_hashes[(int)index.Value] == hash, StateMachineSafety.Name, () =>
            $"after entry {index} the state of {member} is {hash}; a replica that never restarted has {_hashes[(int)index.Value]}");
    }

    private void Note(LogIndex index, Command command)
    {
        if (command is ExpireCommand)
        {
            _expiries.Add(index.Value);
        }
        else if (command is AcquireCommand { Space: HoldSpace.Lock } acquire)
        {
            _locks.Add(acquire.Name);
        }
    }
}
