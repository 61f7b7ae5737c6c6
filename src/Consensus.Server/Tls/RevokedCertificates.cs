using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tls;

/// <summary>Which certificates are revoked, by the newest policy that this member has applied.</summary>
internal sealed class RevokedCertificates
{
    private const string Sentence = "the client certificate is revoked";

    private volatile Func<Policy>? _policy;

    /// <summary>Null while this member has none yet: then it serves nobody either.</summary>
    public Policy? Policy => _policy?.Invoke();

    public void Follow(Func<Policy> policy) => _policy = policy;

    /// <summary>The verdict, unless what makes it somebody is revoked.</summary>
    public static CallerVerdict Judge(Policy? policy, CallerVerdict verdict) =>
        verdict.Actor is { } actor && policy is not null && policy.IsRevoked(actor)
            ? verdict with { IsBelieved = false, Actor = null, Refusal = Sentence }
            : verdict;
}
