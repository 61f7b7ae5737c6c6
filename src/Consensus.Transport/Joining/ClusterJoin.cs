using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Formation;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Joining;

/// <summary>
/// A process that was started with <c>--join</c>: it learns whose cluster it is, and from then on calls the members about once a second, so that they list it
/// as waiting, until it is added. Being listed changes nothing in the cluster.
/// </summary>
public sealed class ClusterJoin : IDisposable
{
    private const int RoundsBetweenReminders = 5;

    /// <summary>What it waits for then is said already, and takes a person.</summary>
    private const int RoundsBetweenRemindersOfItsName = 60;

    private readonly JoinOptions _options;
    private readonly JoinCalls _calls;
    private readonly CancellationTokenSource _stop = new();
    private readonly Signal _wake = new();
    private Thread? _thread;
    private int _disposed;
    private bool _saidThatItsNameIsTaken;

    public ClusterJoin(JoinOptions options)
    {
        _options = options;
        _calls = new JoinCalls(options);
    }

    /// <summary>
    /// The cluster's id, as soon as a member tells it; waits for one without an end. Throws <see cref="FormationRefusedException"/> when this process cannot
    /// join: another token, or a name that is in use; <see cref="MemberRemovedException"/> when it was removed before.
    /// </summary>
    public Task<ClusterId> RunAsync(CancellationToken cancellation) =>
        Task.Factory.StartNew(() => Learn(cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Goes on calling, on a thread of its own, whenever <paramref name="isWaiting"/> says that this process is not added yet, until disposed of.</summary>
    /// <param name="formed">Of the data directory, formed by now.</param>
    /// <param name="removed">Told once when a member of the cluster says that this one was removed; then it calls no more.</param>
    public void KeepCalling(DirectoryIdentity formed, Func<bool> isWaiting, Action removed)
    {
        Invariant.Require(formed.IsFormed && _thread is null, "a formed process calls, from one thread");
        _thread = GuardedThread.Of("joining", () => Call(IdentityOf(formed), isWaiting, removed), _options.Fatal);
        _thread.Start();
    }

    /// <summary>Ends the calls and waits for their thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        _stop.Cancel();
        _wake.Set();
        if (_thread is not null && _thread != Thread.CurrentThread)
        {
            _thread.Join();
        }
        _stop.Dispose();
    }

    private ClusterId Learn(CancellationToken cancellation)
    {
        using var wakeOnCancel = cancellation.Register(_wake.Set);
        var self = IdentityOf(_options.Identity);
        for (var round = 1; ; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            var cluster = ClusterId.None;
            _calls.Round(
                self,
                called =>
                {
                    cluster = Judge(called);
                    return cluster.IsNone;
                },
                cancellation);
            if (!cluster.IsNone)
            {
                return cluster;
            }
            if (_saidThatItsNameIsTaken)
            {
                if (round % RoundsBetweenRemindersOfItsName == 0)
                {
                    var name = _options.Identity.Name;
                    _options.Log(TransportLogLevel.Information, $"{name} still waits until the member {name} with another data directory is removed");
                }
            }
            else if (round % RoundsBetweenReminders == 0)
            {
                var said = string.Join(", ", _calls.Addresses.Select(called => $"{called.Address} ({called.LatestDetail})"));
                _options.Log(TransportLogLevel.Information, $"{_options.Identity.Name} waits for a member that answers: {said}");
            }
            _wake.Wait(_options.CallEvery);
        }
    }

    /// <summary>The cluster that the answer names, or none.</summary>
    private ClusterId Judge(CalledAddress called)
    {
        switch (called.LatestReply)
        {
            case Welcome { Identity: { IsFormed: true } member } when member.TokenDigest.Span.SequenceEqual(_options.Identity.TokenDigest.Span):
                return member.Cluster;
            case Welcome { Identity: var stranger }:
                called.LatestDetail = $"{stranger.Name}, which answers there, cannot tell its cluster";
                return ClusterId.None;
            case Refusal { Code: RefusalCode.Removed } removed:
                throw new MemberRemovedException(MemberRemovedException.Sentence(_options.Identity.Name, removed.Cluster));

            // Said once, it may be by a member that has still to learn who left.
            case Refusal { Code: RefusalCode.DirectoryReplaced } when !called.IsRepeated:
                return ClusterId.None;
            case Refusal { Code: RefusalCode.DirectoryReplaced } taken when _options.WaitsForItsName:
                SayThatItsNameIsTaken(taken.Cluster);
                return ClusterId.None;
            case Refusal { IsTransient: false } refusal:
                throw new FormationRefusedException(refusal.Sentence);
            default:
                return ClusterId.None;
        }
    }

    private void SayThatItsNameIsTaken(ClusterId cluster)
    {
        if (_saidThatItsNameIsTaken)
        {
            return;
        }
        _saidThatItsNameIsTaken = true;
        var name = _options.Identity.Name;
        _options.Log(
            TransportLogLevel.Warning,
            $"cluster {cluster} has a member {name} with another data directory, and this one is empty: if that one is lost, remove it "
                + $"(consensusctl members remove {name}) and then add this one (consensusctl members add {name}); until then this process waits");
    }

    private void Call(PeerIdentity self, Func<bool> isWaiting, Action removed)
    {
        var wasRemoved = false;
        while (!_stop.IsCancellationRequested && !wasRemoved)
        {
            if (isWaiting())
            {
                _calls.Round(
                    self,
                    called =>
                    {
                        wasRemoved = IsRemoved(called, self.Cluster);
                        return !wasRemoved;
                    },
                    _stop.Token);
            }
            if (wasRemoved)
            {
                removed();
            }
            else
            {
                _wake.Wait(_options.CallEvery);
            }
        }
    }

    /// <summary>Only this process's own cluster can tell it to stop; whoever else answers at an address by now is somebody's mistake, and said.</summary>
    private bool IsRemoved(CalledAddress called, ClusterId cluster)
    {
        if (called.LatestReply is not Refusal { IsTransient: false } refusal)
        {
            return false;
        }
        if (refusal.Code == RefusalCode.Removed && refusal.Cluster == cluster)
        {
            return true;
        }
        if (!called.IsRepeated)
        {
            _options.Log(TransportLogLevel.Warning, $"{called.Address} says that this process cannot be added: {refusal.Sentence}");
        }
        return false;
    }

    private PeerIdentity IdentityOf(DirectoryIdentity identity) => new(
        identity.TokenDigest, identity.Cluster, identity.Member, identity.Name, identity.Incarnation, _options.Boot, _options.AdvertisedAddress);
}
