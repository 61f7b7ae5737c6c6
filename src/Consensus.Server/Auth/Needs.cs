using Consensus.StateMachine.Policies;

namespace Consensus.Server.Auth;

/// <summary>Where it is judged whether a request may be served.</summary>
internal enum JudgedBy
{
    /// <summary>Nowhere: everybody may ask, known or not.</summary>
    Nothing,

    /// <summary>At the door: whoever is known may ask, unless it is disabled or its credential is revoked.</summary>
    Credential,

    /// <summary>
    /// At the door, by the policy that this member has applied: for what it answers without the others, when it cannot reach them too.
    /// </summary>
    Here,

    /// <summary>
    /// For what is done to the cluster and is no command: at the door, after a read index, and again once the request is read whole, which
    /// may take its sender seconds, on the view that the endpoint goes by.
    /// </summary>
    Cluster,

    /// <summary>
    /// On the very view that answers: an endpoint gets one from <see cref="JudgedReads"/> alone, and says there what it is asked for.
    /// </summary>
    View,

    /// <summary>The command that the request becomes, early by <c>CommandRunner</c> and for good where it is applied.</summary>
    Command,
}

/// <summary>What a request to an endpoint needs to be served.</summary>
/// <param name="Right">What is judged at the door; none where what is asked for is judged later.</param>
internal sealed record Needs(JudgedBy By, SystemRights Right = SystemRights.None)
{
    public static readonly Needs Nothing = new(JudgedBy.Nothing);

    /// <inheritdoc cref="JudgedBy.Credential"/>
    public static readonly Needs AnyPrincipal = new(JudgedBy.Credential);

    /// <inheritdoc cref="JudgedBy.View"/>
    public static readonly Needs OfView = new(JudgedBy.View);

    /// <inheritdoc cref="JudgedBy.Command"/>
    public static readonly Needs OfCommand = new(JudgedBy.Command);

    /// <inheritdoc cref="JudgedBy.Here"/>
    public static Needs Here(SystemRights right) => new(JudgedBy.Here, right);

    /// <inheritdoc cref="JudgedBy.Cluster"/>
    public static Needs OfCluster(SystemRights right) => new(JudgedBy.Cluster, right);
}
