using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.InnerBenchmarks.Applying;

/// <summary>
/// What it costs that rights are judged: one name by a role of as many rules as it may have, and the entries of a lock with and without.
/// </summary>
[MemoryDiagnoser]
public class Judging
{
    private const long Ttl = 3_600_000_000_000;
    private static readonly Actor Service = new("billing", "j:k8s");
    private static readonly Key Name = Key.FromText("billing/050/invoices/2026-11");
    private readonly Access[] _one = [Access.To(Spaces.Locks, Verbs.Hold, Name)];
    private StateFeed _feed = null!;
    private Policy _policy = null!;
    private long _lease;

    [Params(false, true)]
    public bool IsEnabled { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _feed = new StateFeed { Principal = new Actor(Actor.Local, Actor.LocalCredential).Principal };
        var rules = Enumerable.Range(0, 100).Select(
            i => new AccessRule(Verbs.Hold | Verbs.Read, Spaces.Locks | Spaces.Keys, Key.FromText($"billing/{i:000}/"), IsPrefix: true));
        StateFeed.Expect<PolicyChanged>(_feed.Do(new PutRoleCommand("billing", [.. rules])));
        StateFeed.Expect<PolicyChanged>(_feed.Do(new PutPrincipalCommand(Service.Name, ["billing"], IsDisabled: false)));
        if (IsEnabled)
        {
            StateFeed.Expect<PolicyChanged>(_feed.Do(new EnableAuthCommand("")));
        }
        _policy = _feed.TakeView().Policy;
        _feed.Principal = Service.Principal;
    }

    /// <summary>As a member asks it for a request, of which it knows who asks.</summary>
    [Benchmark]
    public bool OneName() => _policy.Judge(Service, _one) is null;

    /// <summary>Two entries, as of <see cref="Apply.LockAcquireAndRelease"/>.</summary>
    [Benchmark]
    public object LockAcquireAndRelease()
    {
        var token = ((HoldGranted)_feed.Do(new AcquireCommand(Name, "owner", Ttl, new LeaseId(++_lease), LeaseId.None, 0))).Hold.Token;
        return _feed.Do(new ReleaseHoldCommand(Name, token, Force: false));
    }
}
