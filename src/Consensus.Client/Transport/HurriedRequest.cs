namespace Consensus.Client.Transport;

/// <summary>
/// One request that must be settled soon and may be asked twice: one member after the other is asked, each a moment after the one before
/// and without waiting for its answer, for the one that has not answered may be the reason for the hurry. The first that tells what came of
/// it ends it. Each member is asked twice, since it may be a connection that is dead; whoever answered that it cannot tell is asked again
/// for as long as another one is silent, since that one may be so for long.
/// </summary>
/// <param name="identity">Of a write that has one; all sends bear the same.</param>
internal sealed class HurriedRequest(RequestSender sender, ApiRequest request, RequestIdentity? identity)
{
    private const int Rounds = 2;

    /// <summary>How long a member alone may take; then the next is asked as well.</summary>
    private static readonly TimeSpan Head = TimeSpan.FromMilliseconds(400);

    private readonly IReadOnlyList<Uri> _endpoints = sender.Options.Endpoints;
    private readonly int _first = sender.Preferred;

    /// <summary>What is under way, with whom.</summary>
    private readonly Dictionary<Task<Attempt>, int> _asked = [];
    private Attempt? _unknown;
    private Attempt? _last;

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<Attempt> UntilSettledAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var mark = identity?.BeginSend(_endpoints[_first % _endpoints.Count]) ?? default;
        try
        {
            var settled = await AskAllAsync(mark, over.Token).ConfigureAwait(false) ?? _unknown ?? _last!;
            identity?.EndSend(settled);
            return settled;
        }
        finally
        {
            // Those that have not answered are not waited for, nor is how they break any more.
            await over.CancelAsync().ConfigureAwait(false);
            foreach (var asked in _asked.Keys)
            {
                _ = asked.ContinueWith(
                    static broken => broken.Exception,
                    CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
            }
        }
    }

    /// <returns>What settles it; null when nobody told.</returns>
    private async Task<Attempt?> AskAllAsync(WriteMark mark, CancellationToken cancellationToken)
    {
        var (rounds, patience) = (Rounds * _endpoints.Count, sender.Options.AttemptTimeout);
        for (var turn = 0; turn < rounds || (_asked.Count > 0 && turn * Head < patience); turn++)
        {
            var index = (_first + turn) % _endpoints.Count;
            if (_asked.Values.Count(asked => asked == index) < Rounds)
            {
                // Beyond the rounds nobody is waited for longer than the first that is silent.
                var left = turn < rounds ? patience : patience - (turn * Head);
                _asked.Add(AskAsync(index, mark, left, cancellationToken), index);
            }
            var head = Task.Delay(Head, cancellationToken);
            if (await NextAsync(head).ConfigureAwait(false) is { } settled)
            {
                return settled;
            }
            if ((turn + 1) % _endpoints.Count == 0)
            {
                // Only a whole round of quick refusals is worth a pause.
                await head.ConfigureAwait(false);
            }
        }
        return await NextAsync(null).ConfigureAwait(false);
    }

    /// <summary>Takes answers in until one settles it, nobody is asked any more, or <paramref name="head"/> is over.</summary>
    private async Task<Attempt?> NextAsync(Task? head)
    {
        while (_asked.Count > 0)
        {
            var ended = await Task.WhenAny(head is null ? [.. _asked.Keys] : [.. _asked.Keys, head]).ConfigureAwait(false);
            if (ended is not Task<Attempt> answered)
            {
                return null;
            }
            _asked.Remove(answered);
            _last = await answered.ConfigureAwait(false);
            if (!RetryPolicy.MayBeSentAgain(_last, request))
            {
                return _last;
            }
            _unknown = _last.Kind == AttemptKind.Unknown ? _last : _unknown;
        }
        return null;
    }

    private async Task<Attempt> AskAsync(int index, WriteMark mark, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var attempt = await sender.Transport
            .SendBesideAsync(_endpoints[index], request, mark, timeout, cancellationToken).ConfigureAwait(false);
        if (attempt.Kind is AttemptKind.Done or AttemptKind.Refused)
        {
            sender.Prefer(index);
        }
        return attempt;
    }
}
