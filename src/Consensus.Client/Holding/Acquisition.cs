using System.Diagnostics.CodeAnalysis;

namespace Consensus.Client.Holding;

/// <summary>What came of asking for a hold until the time was over.</summary>
/// <param name="Problem">Why it was not granted, as far as that is known; null when it was, if only too late to be used.</param>
internal readonly record struct Acquisition<TGrant>(TGrant? Grant, KeptHold? Hold, ApiProblem? Problem)
    where TGrant : class
{
    [MemberNotNullWhen(true, nameof(Grant), nameof(Hold))]
    public bool Succeeded => Hold is not null;
}
