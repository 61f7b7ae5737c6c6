using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tokens;

/// <summary>What comes of an <c>Authorization</c> header: somebody, or why not.</summary>
/// <param name="Actor">Null: nobody.</param>
/// <param name="Refusal">A sentence without a full stop; empty where it is somebody.</param>
internal readonly record struct TokenVerdict(Actor? Actor, string Refusal)
{
    /// <summary>The one sentence for everybody who does not have the secret, whatever is wrong.</summary>
    public const string NotValid = "the credential is not valid";

    public static readonly TokenVerdict Nobody = new(null, NotValid);
}
