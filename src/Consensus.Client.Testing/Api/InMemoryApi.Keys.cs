using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Transactions;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    public Task<ApiResult<KeyAnswer>> GetKeyAsync(string key, ReadOptions? read, CancellationToken cancellationToken) => ReadAsync(
        Checks.Name(key, "key", out var name),
        read,
        view => RefusePast(view, read) is { } refusal ? ApiResult<KeyAnswer>.Failed(refusal)
            : (read?.Revision is { } at ? view.GetKeyAt(name, new Revision(at)) : view.GetKey(name)) is { } record ? ApiResult<KeyAnswer>.Of(KeyAnswers.Of(name, record), "")
            : ApiResult<KeyAnswer>.Failed(Refusals.NotFound($"there is no key \"{key}\"")),
        cancellationToken);

    public Task<ApiResult<KeyAnswer>> PutKeyAsync(string key, ReadOnlyMemory<byte> value, KeyPutOptions? options, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(key, "key", out var name);
        var lease = LeaseId.None;
        if (options?.Lease is { } text && !LeaseId.TryParse(text, out lease))
        {
            refusal ??= Refusals.BadRequest("the query parameter \"lease\" is not a lease id");
        }
        if (value.Length > ApiLimits.MaxValueBytes)
        {
            refusal ??= Refusals.TooLarge($"the value has {value.Length} bytes; at most {ApiLimits.MaxValueBytes} are taken");
        }
        var condition = options switch
        {
            { IfRevision: { } revision } => new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(revision)),
            { IfAbsent: true } => new KeyCondition(KeyConditionKind.Absent),
            { IfExists: true } => new KeyCondition(KeyConditionKind.Exists),
            _ => KeyCondition.None,
        };
        return ExecuteAsync(
            refusal,
            // Copied: the caller's buffer is its own again when this returns.
            () => new PutCommand(name, value.ToArray(), lease, condition),
            outcome => outcome is PutDone done ? KeyAnswers.OfPut(done.Key, done.CreateRevision, done.ModRevision, done.Version, done.Lease) : null,
            cancellationToken);
    }

    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeyAsync(string key, long? ifRevision, CancellationToken cancellationToken) => ExecuteAsync(
        Checks.Name(key, "key", out var name),
        () => new DeleteCommand(name, ifRevision is { } revision ? new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(revision)) : KeyCondition.None),
        OfDelete,
        cancellationToken);

    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeysAsync(string prefix, CancellationToken cancellationToken) => ExecuteAsync(
        RefusePrefix(prefix), () => new DeletePrefixCommand(Key.FromText(prefix)), OfDelete, cancellationToken);

    public Task<ApiResult<KeyListAnswer>> ListKeysAsync(KeyListQuery query, CancellationToken cancellationToken) => ReadAsync(
        RefusePrefix(query.Prefix),
        query.Read,
        view => RefusePast(view, query.Read) is { } refusal ? ApiResult<KeyListAnswer>.Failed(refusal) : ApiResult<KeyListAnswer>.Of(List(view, query), ""),
        cancellationToken);

    public Task<ApiResult<TxnAnswer>> TxnAsync(TxnRequest transaction, CancellationToken cancellationToken)
    {
        var command = TxnTranslation.ToCommand(transaction, out var refusal);
        return ExecuteAsync(refusal, () => command!, outcome => outcome is TxnDone done ? TxnTranslation.ToAnswer(done) : null, cancellationToken);
    }

    /// <summary>In one page: what is in memory need not be cut up.</summary>
    private static KeyListAnswer List(StateView view, KeyListQuery query)
    {
        var prefix = Key.FromText(query.Prefix);
        var keys = query.Read?.Revision is { } at ? view.ListKeysAt(prefix, null, new Revision(at)) : view.ListKeys(prefix, null);
        var items = keys.Select(item => KeyAnswers.Of(item.Key, item.Record, !query.KeysOnly)).ToList();
        return new KeyListAnswer(items, items.Count, query.Read?.Revision ?? view.Revision.Value, null);
    }

    private static ApiProblem? RefusePrefix(string prefix) =>
        Key.FromText(prefix).Length > ApiLimits.MaxKeyBytes ? Refusals.TooLarge($"the prefix is longer than {ApiLimits.MaxKeyBytes} bytes") : null;

    private static ApiProblem? RefusePast(StateView view, ReadOptions? read) => read?.Revision switch
    {
        null => null,
        < 1 => Refusals.BadRequest("the query parameter \"revision\" is below 1"),
        { } asked when asked > view.Revision.Value => Refusals.BadRequest($"revision {asked} is in the future: the present one is {view.Revision}"),
        { } asked when asked < view.CompactRevision.Value => Refusals.Compacted(view.CompactRevision),
        _ => null,
    };

    private static KeysDeletedAnswer? OfDelete(Outcome outcome) =>
        outcome is DeleteDone done ? new KeysDeletedAnswer(done.Deleted, done.Revision.Value) : null;
}
