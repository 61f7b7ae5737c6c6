using System.Net;
using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Microsoft.AspNetCore.Builder;

namespace Consensus.Server.Tests.Support;

/// <summary>A node that grants every lock exactly when its asker has gone.</summary>
internal sealed class RacingNode : IConsensusNode
{
    public static readonly RequestId Request = new(new MemberId(1), 1, 5);

    private static readonly Revision Granted = new(2);

    private readonly InProcessNode _other = new();
    private volatile bool _isAsked;

    public bool IsAsked => _isAsked;

    public List<(ObjectName, RequestId)> Given { get; } = [];

    public NodeStatus Status => _other.Status;

    public (long Term, string LeaderName) Leadership => _other.Leadership;

    public Policy Policy => _other.Policy;

    public Task PolicyChangeAsync(Policy known) => _other.PolicyChangeAsync(known);

    public async ValueTask<CommandAnswer> ExecuteAsync(CommandEnvelope envelope, CancellationToken aborted)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = aborted.Register(gone.SetResult);
        _isAsked = true;
        await gone.Task;
        Outcome granted = envelope.Command is AcquireManyCommand many
            ? new ManyGranted(Granted, [.. many.Names.Select(name => Hold(name, many.Owner, many.OwnLease, many.TtlMicros))])
            : envelope.Command is AcquireCommand one ? new HoldGranted(Granted, Hold(one.Name, one.Owner, one.OwnLease, one.TtlMicros), 0)
            : throw new InvalidOperationException();
        return new CommandAnswer(AnswerKind.Done, granted, NotDoneReason.None, Request);
    }

    private static Hold Hold(Key name, string owner, LeaseId lease, long ttlMicros) =>
        new(name, owner, new FencingToken(Granted.Value), lease, ttlMicros, Granted, new ClusterTime(1));

    public ValueTask<ReadAnswer> ReadAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted) =>
        _other.ReadAsync(consistency, minRevision, aborted);

    public ValueTask<BackupAnswer> ReadForBackupAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted) =>
        _other.ReadForBackupAsync(consistency, minRevision, aborted);

    public ValueTask<HashAnswer> HashAtAsync(LogIndex index) => _other.HashAtAsync(index);

    public ValueTask<ViewAnswer> ViewAtAsync(LogIndex index) => _other.ViewAtAsync(index);

    public void Abandon(ObjectName name, RequestId request, bool hasKey) => Given.Add((name, request));

    public LeaseId NewLeaseId() => _other.NewLeaseId();

    public ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change) =>
        _other.ChangeMembershipAsync(change);

    public IReadOnlyList<JoiningMember> Joiners => _other.Joiners;

    public Task<TransferAnswer> TransferLeadershipAsync(MemberId to, CancellationToken cancellation) => _other.TransferLeadershipAsync(to, cancellation);
}

internal sealed class RacingServer(WebApplication app) : IAsyncDisposable
{
    public int Port { get; } = new Uri(app.Urls.Single()).Port;

    public static async Task<RacingServer> StartAsync(IConsensusNode node)
    {
        var app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0));
        app.MapConsensusApi(node, new ServerInfo { Version = "1" }, new ServerLifecycle(TimeProvider.System));
        await app.StartAsync();
        return new RacingServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
