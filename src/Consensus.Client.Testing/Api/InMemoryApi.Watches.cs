using System.Runtime.CompilerServices;
using Consensus.Api.Watches;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    public IAsyncEnumerable<WatchMessage> WatchKeyAsync(string key, WatchOptions? options, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(key, "key", out var name);
        return WatchAsync(refusal, change => change is StateMachine.KeyChange { Key: var changed } && changed == name, options, null, cancellationToken);
    }

    public IAsyncEnumerable<WatchMessage> WatchKeysAsync(string prefix, WatchOptions? options, CancellationToken cancellationToken)
    {
        var bytes = Key.FromText(prefix);
        return WatchAsync(RefusePrefix(prefix), change => change is StateMachine.KeyChange { Key: var changed } && changed.StartsWith(bytes), options, null, cancellationToken);
    }

    public IAsyncEnumerable<WatchMessage> WatchElectionAsync(string name, WatchOptions? options, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(name, "election name", out var key);
        return WatchAsync(refusal, change => change is ElectionChange { Name: var changed } && changed == key, options, key, cancellationToken);
    }

    public IAsyncEnumerable<WatchMessage> WatchLockAsync(string name, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(name, "lock name", out var key);
        return WatchStateAsync(
            refusal, ObjectName.Lock(key), view => new WatchLock(LockShapes.Of(view.GetObject(ObjectName.Lock(key)), store.Now), view.Revision.Value, ""), cancellationToken);
    }

    public IAsyncEnumerable<WatchMessage> WatchSemaphoreAsync(string name, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(name, "semaphore name", out var key);
        return WatchStateAsync(
            refusal,
            ObjectName.Semaphore(key),
            view => new WatchSemaphore(SemaphoreShapes.Of(view.GetObject(ObjectName.Semaphore(key)), store.Now), view.Revision.Value, ""),
            cancellationToken);
    }

    private async IAsyncEnumerable<WatchMessage> WatchStateAsync(
        ApiProblem? refusal, ObjectName name, Func<StateView, WatchMessage> show, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (refusal is not null)
        {
            throw new ConsensusException(refusal);
        }
        object? told = null;
        while (true)
        {
            await ConnectedAsync(cancellationToken).ConfigureAwait(false);
            var (view, changed) = store.Observe();
            if (view.MarkOf(name) is var mark && !mark.Equals(told))
            {
                told = mark;
                yield return show(view);
            }
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <param name="election">For an election: a watch that goes on nowhere begins with the present leader.</param>
    private async IAsyncEnumerable<WatchMessage> WatchAsync(
        ApiProblem? refusal, Func<Change, bool> matches, WatchOptions? options, Key? election, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken).ConfigureAwait(false);
        var view = store.View;
        var from = options?.FromRevision is { } given ? new Revision(given) : view.Revision.Next;
        if ((refusal ?? RefuseStart(view, from)) is { } problem)
        {
            throw new ConsensusException(problem);
        }
        if (from <= view.CompactRevision)
        {
            yield return new WatchCompacted(view.CompactRevision.Value, "");
            yield break;
        }
        yield return election is { } name && options?.FromRevision is null
            ? Leader(name, view.GetObject(ObjectName.Election(name)).Holder, view.Revision)
            : new WatchOpened(from.Value, "");
        while (true)
        {
            await ConnectedAsync(cancellationToken).ConfigureAwait(false);
            (view, var changed) = store.Observe();
            if (from <= view.CompactRevision && from <= view.Revision)
            {
                yield return new WatchCompacted(view.CompactRevision.Value, "");
                yield break;
            }
            if (from <= view.Revision)
            {
                foreach (var message in MessagesOf(view, from, matches, options?.WithPrevious ?? false))
                {
                    yield return message;
                }
                from = view.Revision.Next;
            }
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static IEnumerable<WatchMessage> MessagesOf(StateView view, Revision from, Func<Change, bool> matches, bool withPrevious)
    {
        var ofRevision = new List<Change>();
        foreach (var change in view.ChangesFrom(from).Where(matches))
        {
            if (ofRevision.Count > 0 && ofRevision[0].Revision != change.Revision)
            {
                yield return MessageOf(ofRevision, withPrevious);
                ofRevision = [];
            }
            ofRevision.Add(change);
        }
        if (ofRevision.Count > 0)
        {
            yield return MessageOf(ofRevision, withPrevious);
        }
    }

    private static WatchMessage MessageOf(List<Change> changes, bool withPrevious) => changes[^1] switch
    {
        // Of two changes in one revision only the last one is there to be seen.
        ElectionChange election => Leader(election.Name, election.Leader, election.Revision),
        { Revision: var revision } => new WatchChanges(revision.Value, [.. changes.Select(change => EventOf((StateMachine.KeyChange)change, withPrevious))], ""),
    };

    private static WatchEventData EventOf(StateMachine.KeyChange change, bool withPrevious)
    {
        var after = change.After is { } record ? KeyAnswers.Of(change.Key, record) : null;
        return new WatchEventData
        {
            Event = after is null ? "delete" : "put",
            Key = KeyAnswers.Text(change.Key.Bytes),
            KeyBase64 = KeyAnswers.Base64(change.Key.Bytes),
            Value = after?.Value,
            ValueBase64 = after?.ValueBase64,
            CreateRevision = after?.CreateRevision,
            ModRevision = change.Revision.Value,
            Version = after?.Version,
            Lease = after?.Lease,
            Prev = withPrevious && change.Before is { } before ? KeyAnswers.Of(change.Key, before) : null,
        };
    }

    private static WatchLeader Leader(Key name, Hold? leader, Revision revision) => new(
        leader is null
            ? new ElectionEventData(name.ToString(), null, revision.Value)
            : new ElectionEventData(name.ToString(), leader.Owner, revision.Value, ElectionShapes.ValueOf(leader), leader.Token.Value, leader.Lease.ToString()),
        "");

    private static ApiProblem? RefuseStart(StateView view, Revision from) =>
        from < Revision.Initial ? Refusals.BadRequest("the query parameter \"fromRevision\" is below 1")
        : from > view.Revision.Next ? Refusals.BadRequest($"the watch would begin at revision {from}, and the present revision is {view.Revision}: that is in the future")
        : null;

    /// <summary>A watch of a client that is disconnected goes on where it was when it is connected again.</summary>
    private async Task ConnectedAsync(CancellationToken cancellationToken)
    {
        while (link.Reconnected is { } reconnected)
        {
            await reconnected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        cancellationToken.ThrowIfCancellationRequested();
    }
}
