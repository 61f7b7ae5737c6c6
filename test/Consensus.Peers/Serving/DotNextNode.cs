using System.Security.Cryptography;
using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using DotNext.Net.Cluster;
using DotNext.Net.Cluster.Consensus.Raft;

namespace Consensus.Peers.Serving;

/// <summary>
/// The library's cluster and our state as the node that the endpoints of <c>consensusd</c> ask. What the library has no means for is
/// refused in a sentence: hand-overs to a named member
/// and backups; and members are not changed here.
/// </summary>
internal sealed class DotNextNode(
    MemberId self, long boot, RaftCluster cluster, AppliedState state, WaitingRequests requests, Proposals proposals, StatusBoard board)
    : IConsensusNode
{
    /// <summary>For which a request is tried, as in <c>consensusd</c>.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(5);

    private long _sequence;

    public NodeStatus Status => board.Read();

    public (long Term, string LeaderName) Leadership => board.Leadership;

    public IReadOnlyList<JoiningMember> Joiners => [];

    public Policy Policy => state.View.Policy;

    /// <summary>Nobody changes it here.</summary>
    public Task PolicyChangeAsync(Policy known) => Task.Delay(Timeout.Infinite);

    public async ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, CancellationToken aborted)
    {
        var request = NextRequest();
        var settled = requests.Add(request);
        try
        {
            using var limit = new CancellationTokenSource(AnswerLimit);
            var proposed = await ProposeAsync(LoggedCommand.Write(request, envelope), limit.Token);
            if (proposed == Proposed.Refused)
            {
                return new CommandAnswer(AnswerKind.NotDone, null, NotDoneReason.NoLeader, request);
            }
            var outcome = await WaitAsync(settled, envelope.Command, request, limit, aborted);
            return outcome is null
                ? new CommandAnswer(AnswerKind.Unknown, null, NotDoneReason.None, request)
                : new CommandAnswer(AnswerKind.Done, outcome, NotDoneReason.None, request);
        }
        finally
        {
            requests.Remove(request);
        }
    }

    public async ValueTask<ReadAnswer> ReadAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        limit.CancelAfter(AnswerLimit);
        try
        {
            if (consistency == ReadConsistency.Linearizable)
            {
                await PassBarrierAsync(limit.Token);
            }
            for (var view = state.View; ; view = state.View)
            {
                if (view.Revision >= minRevision)
                {
                    return new ReadAnswer(AnswerKind.Done, view, NotDoneReason.None);
                }
                await Task.Delay(RetryInterval, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            var reason = aborted.IsCancellationRequested ? NotDoneReason.Cancelled
                : cluster.Leader is null ? NotDoneReason.NoLeader
                : NotDoneReason.NotReady;
            return new ReadAnswer(AnswerKind.NotDone, null, reason);
        }
    }

    /// <summary>A backup names the configuration at its place in the log, and the library keeps that elsewhere.</summary>
    public ValueTask<BackupAnswer> ReadForBackupAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted) =>
        ValueTask.FromResult(new BackupAnswer(AnswerKind.NotDone, null, null, NotDoneReason.NotReady));

    /// <summary>Knows the present index only.</summary>
    public async ValueTask<HashAnswer> HashAtAsync(LogIndex index)
    {
        var view = await ViewFromAsync(index);
        var (kind, reason) = view.AppliedIndex == index ? (AnswerKind.Done, NotDoneReason.None)
            : (AnswerKind.NotDone, view.AppliedIndex < index ? NotDoneReason.NotReady : NotDoneReason.None);
        return new HashAnswer(kind, index, view.Hash, view.AppliedIndex, view.AppliedIndex, reason);
    }

    /// <summary>As <see cref="HashAtAsync"/>.</summary>
    public async ValueTask<ViewAnswer> ViewAtAsync(LogIndex index)
    {
        var view = await ViewFromAsync(index);
        var reason = view.AppliedIndex < index ? NotDoneReason.NotReady : NotDoneReason.None;
        return view.AppliedIndex == index
            ? new ViewAnswer(AnswerKind.Done, view, index, reason)
            : new ViewAnswer(AnswerKind.NotDone, null, view.AppliedIndex, reason);
    }

    /// <summary>Without a key only: nothing here gives a hold back after a while that nobody claimed; its lease ends it.</summary>
    public void Abandon(ObjectName name, RequestId request, bool hasKey)
    {
        if (!hasKey)
        {
            Cancel(name, request);
        }
    }

    public LeaseId NewLeaseId()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return new LeaseId(Math.Max(1, BitConverter.ToInt64(bytes) & long.MaxValue));
    }

    public ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change) => ValueTask.FromResult(
        new MembershipAnswer(
            AnswerKind.NotDone,
            ChangeVerdict.NotAMember,
            "the members of this cluster are those that it was started with",
            NotDoneReason.None));

    public Task<TransferAnswer> TransferLeadershipAsync(MemberId to, CancellationToken cancellation) =>
        Task.FromResult(new TransferAnswer(
            AnswerKind.NotDone, "the library under this member hands leadership to nobody in particular", NotDoneReason.None));

    /// <summary>Of this member itself: nobody waits for it.</summary>
    public Task<Proposed> LogOwnAsync(Command command, CancellationToken cancellation) =>
        proposals.ProposeAsync(LoggedCommand.Write(NextRequest(), new CommandEnvelope(command)), cancellation);

    private RequestId NextRequest() => new(self, boot, Interlocked.Increment(ref _sequence));

    /// <summary>Tries again what was refused for sure, and nothing else.</summary>
    private async Task<Proposed> ProposeAsync(byte[] entry, CancellationToken limit)
    {
        while (true)
        {
            var proposed = await proposals.ProposeAsync(entry, limit);
            if (proposed != Proposed.Refused || limit.IsCancellationRequested)
            {
                return proposed;
            }
            await Task.Delay(RetryInterval, CancellationToken.None);
        }
    }

    /// <summary>Until it was applied here; null when that took too long.</summary>
    private async Task<Outcome?> WaitAsync(
        Task<Outcome> settled, Command command, RequestId request, CancellationTokenSource limit, CancellationToken aborted)
    {
        var waits = WaitOf(command);
        if (waits > TimeSpan.Zero)
        {
            limit.CancelAfter(AnswerLimit + waits);
        }
        await using var gone = aborted.Register(() =>
        {
            foreach (var name in waits > TimeSpan.Zero ? ObjectsOf(command) : [])
            {
                Cancel(name, request);
            }
        });
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var late = limit.Token.Register(() => ended.TrySetResult());
        return await Task.WhenAny(settled, ended.Task) == settled ? await settled : null;
    }

    private void Cancel(ObjectName name, RequestId request) =>
        _ = LogOwnAsync(CancelWaitCommand.Of(name, request, CancelReason.Disconnected), CancellationToken.None);

    /// <summary>The library's own barrier, the strong one. On a follower without a leader it throws; then it is tried again.</summary>
    private async Task PassBarrierAsync(CancellationToken limit)
    {
        while (true)
        {
            try
            {
                await cluster.ApplyReadBarrierAsync(ReadBarrierType.Strong, limit);
                return;
            }
            catch (Exception e) when (e is QuorumUnreachableException or MemberUnavailableException or NotLeaderException)
            {
                await Task.Delay(RetryInterval, limit);
            }
        }
    }

    private async Task<StateView> ViewFromAsync(LogIndex index)
    {
        using var limit = new CancellationTokenSource(AnswerLimit);
        var view = state.View;
        for (; view.AppliedIndex < index && !limit.IsCancellationRequested; view = state.View)
        {
            await Task.Delay(RetryInterval, CancellationToken.None);
        }
        return view;
    }

    private static TimeSpan WaitOf(Command command) => TimeSpan.FromMicroseconds(command switch
    {
        AcquireCommand acquire => acquire.WaitMicros,
        AcquireManyCommand many => many.WaitMicros,
        _ => 0,
    });

    private static IEnumerable<ObjectName> ObjectsOf(Command command) => command switch
    {
        AcquireCommand acquire => [acquire.Object],
        AcquireManyCommand many => many.Names.Select(ObjectName.Lock),
        _ => [],
    };
}
