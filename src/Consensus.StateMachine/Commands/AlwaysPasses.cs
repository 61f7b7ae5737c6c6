using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.StateMachine.Commands;

/// <summary>
/// Commands that give back, take away or keep alive, and what makes room. They are done whatever is full: where there is no room to keep what came of them, they are done unkept (rules 21, 24).
/// </summary>
internal static class AlwaysPasses
{
    public static bool Does(Command command) => command switch
    {
        DeleteCommand or DeletePrefixCommand => true,
        RevokeLeaseCommand or RenewLeasesCommand => true,
        ReleaseHoldCommand or RenewHoldCommand or HandOverCommand or CancelWaitCommand => true,
        ResetFenceCommand => true,
        PutSettingCommand or PolicyCommand => true,
        TxnCommand txn => !Puts(txn.Success) && !Puts(txn.Failure),
        _ => false,
    };

    /// <summary>Done a second time it has no second effect: what it names is gone and never comes again.</summary>
    public static bool IsRepeatable(Command command) => command switch
    {
        RevokeLeaseCommand => true,
        ReleaseHoldCommand release => release.Token != FencingToken.None,
        _ => false,
    };

    private static bool Puts(ImmutableArray<TxnOperation> branch) => branch.Any(operation => operation is TxnPut);
}
